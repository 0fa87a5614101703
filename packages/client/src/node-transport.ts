import https from "node:https";
import type { IncomingMessage } from "node:http";
import { NotReached, type Outgoing, type Transport } from "./transport.ts";

/**
 * For Node: HTTP/1.1 over TLS with connections kept for the next request. With `ca` (PEM text) exactly those
 * authorities are trusted, without it the ones that Node brings.
 */
export function nodeTransport({ ca }: { ca?: string | undefined } = {}): Transport {
  const agent = new https.Agent({ keepAlive: true, ...(ca === undefined ? {} : { ca }) });
  return {
    async send(request) {
      if (request.url.protocol !== "https:") {
        throw new NotReached(
          "unencrypted",
          `${request.url.origin} is not an https address, and credentials travel by https only. Write https:// instead.`,
        );
      }
      const reply = await send(agent, request, "retry");
      return {
        status: reply.statusCode ?? 0, // a reply always has one
        header: (name) => valueOf(reply, name),
        body: chunks(reply, request),
      };
    },
    close: () => agent.destroy(),
  };
}

function send(agent: https.Agent, request: Outgoing, whenReset: "retry" | "fail"): Promise<IncomingMessage> {
  const { method, url, headers, body, signal } = request;
  return new Promise((resolve, reject) => {
    const sending = https.request(url, { agent, method, headers, signal });
    sending.on("socket", (socket) => socket.setKeepAlive(true, 30_000)); // notices a peer that vanished from a silent stream
    sending.on("response", resolve);
    sending.on("error", (cause) => {
      // The platform closed a kept connection just as we took it. What only reads may be sent again (RFC 9110, 9.2.2).
      const again = whenReset === "retry" && sending.reusedSocket && codeOf(cause) === "ECONNRESET" && method === "GET";
      if (again) send(agent, request, "fail").then(resolve, reject);
      else reject(failure(request, cause));
    });
    sending.end(body);
  });
}

async function* chunks(reply: IncomingMessage, request: Outgoing): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of reply) yield chunk;
  } catch (cause) {
    throw failure(request, cause);
  }
}

function valueOf(reply: IncomingMessage, name: string): string | undefined {
  const value = reply.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** What OpenSSL and Node call a chain, a name or a date that does not convince them (X509_verify_cert_error_string(3)). */
const distrust = /CERT|SELF_SIGNED|ISSUER|SIGNATURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH/;

function failure({ url, signal }: Outgoing, cause: unknown): unknown {
  if (signal.aborted) return signal.reason;
  const code = codeOf(cause);
  const at = url.origin;
  if (distrust.test(code)) return new NotReached("untrusted", `${distrusted(at, code)} (${code})`, { cause });
  return new NotReached("unreachable", `${unreached(at, url.hostname, code)} (${code})`, { cause });
}

function distrusted(at: string, code: string): string {
  switch (code) {
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `The certificate of ${at} is for other names. Use a name that it has.`;
    case "CERT_HAS_EXPIRED":
      return `The certificate of ${at} has expired. Check this machine's clock, then the platform.`;
    case "CERT_NOT_YET_VALID":
      return `The certificate of ${at} is not valid yet. Check this machine's clock.`;
    default:
      return `The certificate of ${at} is not signed by an authority that is trusted here.`;
  }
}

function unreached(at: string, host: string, code: string): string {
  switch (code) {
    case "ECONNREFUSED":
      return `Nothing listens at ${at}. Is the platform running?`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `No address is known for ${host}.`;
    case "ECONNRESET":
    case "EPIPE":
      return `${at} hung up before it had answered.`;
    case "EPROTO":
      return `What listens at ${at} does not speak TLS as Holdfast does.`;
    default:
      return `${at} cannot be reached.`;
  }
}

/** Node's code for what went wrong. A certificate's code may stand in place of a message. */
function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}
