import { because, Refusal, type Report, type Timers } from "@holdfast/kernel";
import type { FastifyReply } from "fastify";
import type { Download } from "../../authority/index.ts";
import { cut, isGone, type AnyResponse } from "./deadlines.ts";

/** Milliseconds in which somebody who downloads has to take something. */
const patience = 60_000;

type Needs = { readonly timers: Timers; readonly report: Report; readonly sent: (bytes: number) => void };

/**
 * Sends a file while it is made, no faster than it is taken. What cannot be finished is cut off rather than ended: HTTP/2 resets the stream,
 * HTTP/1.1 leaves its last chunk out, and either client says that it failed.
 */
export async function sendDownload(reply: FastifyReply, download: Download, needs: Needs): Promise<void> {
  const out: AnyResponse = reply.raw;
  reply.hijack();
  const gone = new Promise<void>((resolve) => out.once("close", resolve));
  out.on("error", () => cut(out));
  // Whoever hung up while it was prepared has been closed before anybody listened, and never is again.
  let isOver = isGone(out);
  const end = (): void => {
    isOver = true;
    cut(out);
  };
  download.over.addEventListener("abort", end, { once: true });
  void gone.then(() => (isOver = true));
  const headers = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined);
  try {
    if (!isOver)
      out.writeHead(200, {
        ...Object.fromEntries(headers),
        ...download.headers,
        "content-type": download.contentType,
        "content-disposition": `attachment; filename="${download.fileName}"`,
        "cache-control": "no-store",
      });
    // Begun in any case, so that it ends: it has a place among those under way.
    for await (const chunk of download.chunks) {
      if (isOver) return;
      needs.sent(chunk.length);
      // The types of the two versions differ in what they say of a write, and both take this.
      if (!(out as NodeJS.WritableStream).write(chunk)) await drained(out, gone, needs.timers);
      if (isOver) return;
    }
    out.end();
  } catch (error) {
    if (!(error instanceof Refusal)) needs.report("an export ended by our own fault", because(error));
    end();
  } finally {
    download.over.removeEventListener("abort", end);
  }
}

/** Until there is room again, or nobody is there any more; whoever takes nothing for too long is cut off. */
async function drained(out: AnyResponse, gone: Promise<void>, timers: Timers): Promise<void> {
  const late = timers.after(patience, () => cut(out));
  const room = new Promise<void>((resolve) => out.once("drain", resolve));
  try {
    await Promise.race([room, gone]);
  } finally {
    late.cancel();
  }
}
