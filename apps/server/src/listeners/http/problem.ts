import { Refusal, sentenceOf, type Fault, type RefusalCode } from "@holdfast/kernel";
import { statusOf } from "./status.ts";

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
    ...(refusal.faults.length > 0 && { errors: refusal.faults }),
  };
}

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
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "request.malformed",
  FST_ERR_CTP_EMPTY_JSON_BODY: "request.malformed",
  FST_ERR_NOT_FOUND: "route.unknown",
};

export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  const code =
    error instanceof Error && "code" in error && typeof error.code === "string" ? ofFramework[error.code] : undefined;
  if (code) return new Refusal(code, { cause: error });
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
  return typeof status === "number" && status >= 400 && status < 500
    ? new Refusal("request.malformed", { cause: error })
    : undefined;
}

/** The name of an error and where in our code it was thrown. */
export function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const line = error.stack?.split("\n").find((text) => text.includes("/src/")) ?? "";
  return `${error.name} ${line
    .trim()
    .replace(/^at /, "")
    .replace(/\(?file:.*\/(packages|apps)\//, "($1/")}`;
}
