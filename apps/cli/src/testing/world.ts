import { mkdtempSync, rmSync } from "node:fs";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import type { TestContext } from "node:test";
import { fetchTransport } from "@holdfast/client";
import { parseInstant, type Instant } from "@holdfast/kernel";
import { readEnvironment } from "../environment.ts";
import { run } from "../run.ts";
import type { Inlet, Outlet, World } from "../world.ts";

/** Keeps what was written, as a terminal or as a pipe. */
export class Screen extends Writable {
  text = "";
  readonly isTTY: boolean;

  readonly #onWrite: ((text: string) => void) | undefined;

  constructor(isTTY: boolean, onWrite?: (text: string) => void) {
    super();
    this.isTTY = isTTY;
    this.#onWrite = onWrite;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    this.#onWrite?.(this.text);
    done();
  }
}

export const noon: Instant = parseInstant("2026-06-01T12:00:00Z") ?? (0 as Instant); // it parses

export type Ended = { exit: number; out: string; err: string };

/** A folder that goes with the test. */
export function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-cli-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs the command in this process, in a world of its own. */
export async function holdfast(
  argv: readonly string[],
  options: {
    env?: Record<string, string>;
    stdin?: string;
    terminal?: boolean;
    typed?: readonly string[];
    pause?: World["pause"];
    /** By the names of accounts; without it the system has no keyring. */
    keyring?: Map<string, string>;
    open?: World["open"];
    transport?: World["transport"];
    clock?: World["clock"];
    /** Sees what is written to stdout as it comes. */
    onOut?: (text: string) => void;
  } = {},
): Promise<Ended> {
  const { env = {}, terminal = false, typed } = options;
  const out = new Screen(terminal, options.onOut);
  const err = new Screen(terminal);
  const exit = await run(argv, {
    out: out satisfies Outlet,
    err: err satisfies Outlet,
    in: typed ? typist(err, typed) : Readable.from(options.stdin === undefined ? [] : [options.stdin]),
    environment: readEnvironment({ HOME: "/nowhere", ...env }),
    clock: options.clock ?? { now: () => noon, elapsed: () => 0 },
    transport: options.transport ?? (() => fetchTransport()),
    keyring: keyringOf(options.keyring),
    machine: "ada's laptop",
    open: options.open ?? (() => Promise.reject(new Error("There is no browser."))),
    pause: options.pause ?? (() => Promise.resolve()),
  });
  return { exit, out: out.text, err: err.text };
}

/** The system's, which no test may write into. */
function keyringOf(kept: Map<string, string> | undefined): World["keyring"] {
  const there = (): Map<string, string> => {
    if (!kept) throw new Error("no keyring\nhere");
    return kept;
  };
  return {
    put: async (account, secret) => void there().set(account, secret),
    get: async (account) => there().get(account),
    forget: async (account) => void there().delete(account),
  };
}

/** Somebody at a terminal, who answers each question once it stands there. */
function typist(screen: Screen, answers: readonly string[]): Inlet {
  const keyboard = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => keyboard });
  const left = [...answers];
  let seen = 0;
  const look = (): void => {
    const questions = screen.text.split(": ").length - 1;
    const answer = questions > seen ? left.shift() : undefined;
    if (answer !== undefined) {
      seen = questions;
      keyboard.write(answer);
    }
    if (left.length > 0) setImmediate(look);
  };
  setImmediate(look);
  return keyboard;
}

/** What a platform is asked, without its TLS: the answers are the test's. */
export async function serve(
  t: TestContext,
  answer: (request: IncomingMessage & { text: string }, response: ServerResponse) => void,
): Promise<{ HOLDFAST_URL: string; HOLDFAST_TOKEN: string }> {
  const server = http.createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    answer(Object.assign(request, { text }), response);
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port
  return { HOLDFAST_URL: `http://127.0.0.1:${port}`, HOLDFAST_TOKEN: "hf_test" };
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

export function refuse(response: ServerResponse, status: number, code: string, more: object = {}): void {
  json(response, status, { type: `urn:holdfast:${code}`, title: "No.", status, code, requestId: "req-1", ...more });
}
