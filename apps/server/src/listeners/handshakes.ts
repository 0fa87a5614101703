import type { Socket } from "node:net";
import type { Server, TLSSocket } from "node:tls";
import type { Stranger, Strangers } from "../live/index.ts";

/** Why a handshake came to nothing, as far as the client can do something about it. */
const sentences = {
  "tls.untrusted":
    "The client does not trust the platform's certificate, and hung up. Give it the authority from /security/certificates; if it has that, look at its clock, and at the name that it connects to.",
  "tls.brokenOff":
    "The client hung up in the middle of the TLS handshake. Clients that do not trust the certificate do so: give it the authority from /security/certificates.",
  "tls.plain":
    "The client spoke without TLS, to a port that speaks nothing else. Connect with https:// or mqtts://, and switch TLS on.",
  "tls.wrongPort":
    "The client came to speak another protocol than this port does (ALPN). The HTTPS port speaks h2, http/1.1 and mqtt, the other one mqtt alone: look at the number.",
  "tls.incompatible":
    "The client offers no version or cipher of TLS that is safe. It needs TLS 1.3, or TLS 1.2 with ECDHE and an AEAD cipher.",
} as const;

type Code = keyof typeof sentences;

// The names that OpenSSL gives: alerts of the client (RFC 8446, 6.2), and what it makes of bytes that are no TLS.
const untrusted = /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(UNKNOWN|EXPIRED|REVOKED))$/;
const plain =
  /^ERR_SSL_(HTTP_REQUEST|HTTPS_PROXY_REQUEST|WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|BAD_RECORD_TYPE)$/;
const incompatible =
  /^ERR_SSL_(UNSUPPORTED_PROTOCOL|NO_SHARED_CIPHER|NO_SUITABLE_(KEY_SHARE|GROUPS?)|VERSION_TOO_LOW)$/;

/** Tells of clients that got no further than the handshake. Their address is all that is known of them. */
export function watchHandshakes(server: Server, transport: Stranger["transport"], strangers: Strangers): void {
  // A socket that is closed has forgotten its address, and by then we want to know it.
  const addresses = new WeakMap<Socket, string>();
  server.on("connection", (socket: Socket) => void addresses.set(socket, socket.remoteAddress ?? ""));
  const tell = (error: Error, secure: TLSSocket) => {
    const socket = beneath(secure);
    const address = socket && addresses.get(socket);
    const code = socket && reasonOf(error, socket);
    if (address && code) strangers.tell({ address, transport, code, title: sentences[code] });
  };
  server.on("tlsClientError", tell);
  // In TLS 1.3 a client may have finished its part before it looks at the certificate.
  server.on("secureConnection", (secure: TLSSocket) => {
    secure.once("error", (error: Error) => untrusted.test(codeOf(error)) && tell(error, secure));
  });
}

function reasonOf(error: Error, { bytesRead }: Socket): Code | undefined {
  const code = codeOf(error);
  if (untrusted.test(code)) return "tls.untrusted";
  if (plain.test(code)) return "tls.plain";
  if (code === "ERR_SSL_NO_APPLICATION_PROTOCOL") return "tls.wrongPort"; // RFC 7301
  if (incompatible.test(code)) return "tls.incompatible";
  // Whoever said nothing only looked whether the port is open.
  return code === "ECONNRESET" && bytesRead > 0 ? "tls.brokenOff" : undefined;
}

const codeOf = (error: Error): string => ("code" in error && typeof error.code === "string" ? error.code : "");

/** The TCP socket below: Node (lib/internal/tls/wrap.js) has it under this name, and no other way to it. */
export const beneath = (secure: object): Socket | undefined => Reflect.get(secure, "_parent") as Socket | undefined;
