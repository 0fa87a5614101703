import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { brotliDecompressSync } from "node:zlib";
import type { Random } from "@holdfast/kernel";
import type { FastifyReply, FastifyRequest } from "fastify";
import { pathOf } from "./target.ts";

/** Where `npm start` builds it. */
const built = path.join(import.meta.dirname, "../../../../console/dist");

/** What the build puts where a nonce belongs (apps/console/vite.config.ts). */
const noncePlaceholder = "HOLDFAST-NONCE";

/** Paths that are places of the console: all of them are the one page, whose program reads the rest. */
const isPlace = (at: string): boolean =>
  at === "/" ||
  /^\/(?:o\/|(?:account|instance|password|email|sign-in)(?:\/|$)|(?:set-up|invitation|call-off|activate|shared|security)$)/.test(
    at,
  );

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

type File = {
  readonly type: string;
  readonly bytes: Buffer;
  readonly brotli: Buffer | undefined;
  readonly isForEver: boolean;
};

/** Only files of our own, only with this answer's nonce, nothing framed, nothing sent elsewhere (CSP 3). */
const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

/** The web console's files, as they were built, in memory. */
export class ConsoleFiles {
  readonly #random: Random;
  readonly #files: ReadonlyMap<string, File>;
  readonly #page: string | undefined;

  /** Where nothing was built there are no files, and no place. */
  constructor({ random }: { random: Random }) {
    this.#random = random;
    this.#files = filesIn(built);
    this.#page = this.#files.get("/index.html")?.bytes.toString("utf8");
  }

  /** Answers when the path is one of ours. */
  answer(request: FastifyRequest, reply: FastifyReply): boolean {
    if (request.method !== "GET" && request.method !== "HEAD") return false;
    const at = pathOf(request.url);
    if (this.#page !== undefined && isPlace(at)) {
      const nonce = this.#random.bytes(16).toBase64();
      void reply
        .header("Content-Security-Policy", policy(nonce))
        .type("text/html; charset=utf-8")
        .send(this.#page.replaceAll(noncePlaceholder, nonce));
      return true;
    }
    const file = at === "/index.html" ? undefined : this.#files.get(at);
    if (!file) return false;
    send(file, request, reply);
    return true;
  }
}

function send({ type, bytes, brotli, isForEver }: File, request: FastifyRequest, reply: FastifyReply): void {
  void reply.headers({
    "Cache-Control": isForEver ? "public, max-age=31536000, immutable" : "public, max-age=3600",
    Vary: "Accept-Encoding",
  });
  void reply.type(type);
  if (brotli && /\bbr\b/.test(String(request.headers["accept-encoding"] ?? ""))) {
    return void reply.header("Content-Encoding", "br").send(brotli);
  }
  void reply.send(bytes);
}

/** What the build left: `x.br` is `x`, compressed. */
function filesIn(folder: string): ReadonlyMap<string, File> {
  const files = new Map<string, File>();
  for (const name of namesIn(folder)) {
    const type = types[path.extname(name)];
    if (type === undefined) continue;
    const bytes = readFileSync(path.join(folder, name));
    const brotli = readIfThere(path.join(folder, `${name}.br`));
    if (brotli && !brotliDecompressSync(brotli).equals(bytes)) continue; // of another build: better none than a wrong one
    const at = `/${name.split(path.sep).join("/")}`;
    files.set(at, { type, bytes, brotli, isForEver: at.startsWith("/assets/") }); // their names hold a hash
  }
  return files;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return []; // it was never built
    throw error;
  }
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
