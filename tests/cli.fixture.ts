import assert from "node:assert/strict";
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { nodeTransport } from "@holdfast/client/node";
import { systemClock } from "@holdfast/kernel";
import { holdfast, type Ended } from "../apps/cli/src/testing/world.ts";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";

type Options = Parameters<typeof holdfast>[1];

const shim = path.join(import.meta.dirname, "../apps/cli/bin/holdfast.mjs");

// Compiling our files is most of what a short process costs; the runner of the tests says where that is kept.
const compiled = process.env["NODE_COMPILE_CACHE"];

/** The installed command, in a process of its own. */
export const inProcess = (argv: readonly string[], env: Readonly<Record<string, string>>, cwd: string) =>
  ended(
    spawn(process.execPath, [shim, ...argv], {
      cwd,
      env: { ...(compiled !== undefined && { NODE_COMPILE_CACHE: compiled }), ...env },
    }),
  );

/** The platform lives in this process, so waiting for another one must not block it. */
export async function ended(
  child: ChildProcessWithoutNullStreams,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

/** The command against a whole platform of its own, with the files in `folder` that whoever starts one finds. */
export async function commandLine(given?: Parameters<typeof startTestPlatform>[0]) {
  const { platform, database, close } = await startTestPlatform(given);
  atEnd.after(close);
  const { folder } = database;
  const { url } = platform;
  writeFileSync(path.join(folder, "ca.pem"), platform.caPem ?? "");
  writeFileSync(path.join(folder, "password"), "correct horse battery\n");
  await platform.watchSetup((setupLink) => {
    const ready = { pid: process.pid, url, mqttsUrl: platform.mqttsUrl, caFile: "ca.pem", setupLink };
    writeFileSync(path.join(folder, "ready.json"), JSON.stringify(ready));
  });
  /** Of every call. */
  const env: Record<string, string> = {
    XDG_CONFIG_HOME: folder,
    HOLDFAST_URL: url,
    HOLDFAST_CA_FILE: path.join(folder, "ca.pem"),
  };

  const call = (argv: readonly string[], options: Options = {}): Promise<Ended> =>
    holdfast(argv, {
      clock: systemClock,
      transport: (ca) => nodeTransport({ ca }),
      ...options,
      env: { ...env, ...options.env },
    });

  /** The document that the command answers with. */
  async function answer(...argv: string[]) {
    const { exit, out, err } = await call([...argv, "--json"]);
    assert.equal(exit, 0, `${argv.join(" ")}: ${err}`);
    return JSON.parse(out);
  }

  /** What a person reads, without the notes beside it. */
  async function read(...argv: string[]): Promise<string> {
    const { exit, out, err } = await call(argv);
    assert.equal(exit, 0, `${argv.join(" ")}: ${err}`);
    return out;
  }

  /** The code with which the platform refuses. */
  async function refused(token: string | undefined, ...argv: string[]): Promise<string> {
    const { exit, out, err } = await call(
      [...argv, "--json"],
      token === undefined ? {} : { env: { HOLDFAST_TOKEN: token } },
    );
    assert.deepEqual([exit, out], [1, ""], `${argv.join(" ")}: ${err}`);
    const { error } = JSON.parse(err);
    assert.ok(error.requestId && error.sentence);
    return error.code;
  }

  const setupLine = (org: string, email: string): string[] => {
    const setup = ["setup", "--ready-file", path.join(folder, "ready.json"), "--email", email];
    return [...setup, "--password-file", path.join(folder, "password"), "--org", org, "--json"];
  };

  /** Every call is the first owner's from now on. */
  async function setUp(): Promise<{ org: string; person: string }> {
    const { exit, out, err } = await call(setupLine("Works", "ada@example.com"));
    assert.equal(exit, 0, err);
    const { org, person, token } = JSON.parse(out);
    env["HOLDFAST_TOKEN"] = token;
    return { org, person };
  }

  return { folder, url, database, env, call, answer, read, refused, setupLine, setUp };
}
