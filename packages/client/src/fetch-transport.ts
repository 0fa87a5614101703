import { NotReached, type Incoming, type Outgoing, type Transport } from "./transport.ts";

/** For browsers: they keep their own connections and certificates, and tell no reason when a request fails. */
export function fetchTransport(fetch: typeof globalThis.fetch = globalThis.fetch): Transport {
  const failed = ({ url, signal }: Outgoing, cause: unknown): unknown =>
    signal.aborted ? signal.reason : new NotReached("unreachable", `${url.origin} cannot be reached.`, { cause });

  return {
    async send(request): Promise<Incoming> {
      const { method, url, headers, body, signal } = request;
      let reply: Response;
      try {
        reply = await fetch(url, {
          method,
          headers,
          signal,
          body: body ?? null,
          redirect: "manual",
          cache: "no-store",
        });
      } catch (cause) {
        throw failed(request, cause);
      }
      return {
        status: reply.status,
        header: (name) => reply.headers.get(name) ?? undefined,
        body: chunks(reply.body, (cause) => failed(request, cause)),
      };
    },
    close() {},
  };
}

async function* chunks(body: Response["body"], failed: (cause: unknown) => unknown): AsyncGenerator<Uint8Array> {
  if (!body) return;
  const reader = body.getReader(); // not every browser can iterate over a stream
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } catch (cause) {
    throw failed(cause);
  } finally {
    // Whoever stopped reading does not want the rest; a stream that is done or broken has nothing to cancel.
    await reader.cancel().catch(() => undefined);
  }
}
