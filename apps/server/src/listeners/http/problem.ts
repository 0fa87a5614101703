import { STATUS_CODES } from "node:http";
import { dpopAlgorithms, scrub } from "@holdfast/crypto";
import { Refusal, sentenceOf, type Random, type Fault, type RefusalCode } from "@holdfast/kernel";
import { statusOf } from "./status.ts";

/** Names a request to whoever asked, and in the log. */
export const newRequestId = (random: Random): string => `req_${random.bytes(8).toHex()}`;

/** RFC 9457, with a stable code and the id that the log has too. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly code: string;
  readonly requestId: string;
  readonly errors?: readonly Fault[];
};

export const problemType = "application/problem+json";

export function problemOf(refusal: Refusal, requestId: string): Problem {
  return {
    type: `urn:holdfast:${refusal.code}`,
    title: sentenceOf(refusal.code),
    status: statusOf[refusal.code],
    ...(refusal.detail !== undefined && { detail: refusal.detail }),
    code: refusal.code,
    requestId,
    ...(refusal.faults.length > 0 && { errors: refusal.faults.map(shortened) }),
  };
}

/** Names of fields come from the request, and somebody may have put anything there. */
const shortened = ({ path, message }: Fault): Fault => ({ path: short(path), message: short(message) });
const short = (text: string): string => (text.length > 200 ? `${scrub(text).slice(0, 200)}…` : scrub(text));

/** Our own fault: the log has the rest under the same id. */
export const faultOf = (requestId: string): Problem => ({
  type: "urn:holdfast:fault",
  title: "This is a fault of the platform, not of the request. Report it with the request id.",
  status: 500,
  code: "fault",
  requestId,
});

/** What Fastify and Node refuse before a handler is asked, in our words. */
const ofFramework: Readonly<Record<string, RefusalCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "request.tooLarge",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "request.mediaType",
  FST_ERR_NOT_FOUND: "route.unknown",
  FST_ERR_MAX_PARAM_LENGTH: "route.unknown",
  HPE_HEADER_OVERFLOW: "request.headersTooLarge",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "request.tooLarge",
  ERR_HTTP_REQUEST_TIMEOUT: "request.tooSlow",
};

/** `undefined` for what is nobody's refusal: our own fault. Of a foreign error only its code is looked at: the message may quote the request. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (!(error instanceof Error)) return undefined;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const known = ofFramework[code];
  if (known) return new Refusal(known, { cause: error });
  const status = "statusCode" in error ? error.statusCode : undefined;
  const isTheirs = code.startsWith("HPE_") || (typeof status === "number" && status >= 400 && status < 500);
  return isTheirs ? new Refusal("request.malformed", { cause: error }) : undefined;
}

/** What stands on every answer. */
export const greeting = (requestId: string): Readonly<Record<string, string>> => ({
  "Strict-Transport-Security": "max-age=63072000",
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-store",
  "X-Request-Id": requestId,
});

/** Seconds until it is worth asking again where a refusal does not say: about what a database or a keyring takes to come back. */
const unavailableSeconds = 5;

/** Headers that belong to a refusal. RFC 9110, 10.2.3 and 11.6.1; RFC 6750, 3. */
export function headersOf(refusal: Refusal): Readonly<Record<string, string>> {
  const { code } = refusal;
  const isStranger = statusOf[code] === 401;
  const retryAfterSeconds = refusal.retryAfterSeconds ?? (statusOf[code] === 503 ? unavailableSeconds : undefined);
  return {
    ...(retryAfterSeconds !== undefined && { "Retry-After": String(retryAfterSeconds) }),
    ...(isStranger && { "WWW-Authenticate": challengeOf(code) }),
  };
}

/** RFC 6750, 3; RFC 9449, 7.1 and 8, for what is bound to a key. */
function challengeOf(code: RefusalCode): string {
  const byKey = (error: string) => `DPoP realm="holdfast", error="${error}", algs="${dpopAlgorithms.join(" ")}"`;
  if (code === "proof.nonce") return byKey("use_dpop_nonce");
  if (code === "proof.invalid") return byKey("invalid_dpop_proof");
  if (code === "proof.required") return byKey("invalid_token");
  return `Bearer realm="holdfast"${code === "credential.missing" ? "" : ', error="invalid_token"'}`;
}

/** For an HTTP/1.1 connection that Fastify does not answer: its request could not be read, or asked for another protocol. */
export function rawAnswer(refusal: Refusal, requestId: string, more: Readonly<Record<string, string>> = {}): string {
  const problem = problemOf(refusal, requestId);
  const body = JSON.stringify(problem);
  const headers = {
    ...greeting(requestId),
    ...headersOf(refusal),
    ...more,
    "Content-Type": problemType,
    "Content-Length": String(Buffer.byteLength(body)),
    Connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ""}\r\n${lines.join("")}\r\n${body}`;
}
