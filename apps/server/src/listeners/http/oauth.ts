import { Refusal, type Fault, type RefusalCode } from "@holdfast/kernel";
import type { OAuthError } from "@holdfast/protocol";
import type { Problem } from "./problem.ts";

/** What a form says. A parameter that is given twice, or empty, is none (RFC 6749, 3.2). @throws Refusal */
export function formOf(bytes: Uint8Array, contentType: string): Readonly<Record<string, string>> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType)) {
    throw new Refusal("request.mediaType", { detail: "Send a form: application/x-www-form-urlencoded." });
  }
  const fields = [...new URLSearchParams(new TextDecoder().decode(bytes))].filter(([, value]) => value !== "");
  const names = new Set<string>();
  const twice = fields.filter(([name]) => names.size === names.add(name).size);
  if (twice.length > 0) {
    const faults = twice.map(([path]): Fault => ({ path, message: "given more than once" }));
    throw new Refusal("request.malformed", { faults });
  }
  return Object.fromEntries(fields);
}

const errors: Partial<Record<RefusalCode, OAuthError>> = {
  "activation.waiting": "authorization_pending",
  "activation.tooSoon": "slow_down",
  "activation.refused": "access_denied",
  "activation.expired": "expired_token",
  "activation.unknown": "invalid_grant",
  "program.unknown": "invalid_client",
  "program.asksOtherwise": "unsupported_grant_type",
  "grant.malformed": "invalid_scope",
  "rate.exceeded": "slow_down",
};

/** A refusal in the words of RFC 6749, 5.2, and RFC 8628, 3.5, with all that our own programs read in it besides. */
export function oauthAnswer(problem: Problem): {
  readonly status: number;
  readonly body: Problem & { readonly error: OAuthError; readonly error_description: string };
} {
  const { status, code, title, detail } = problem;
  const error = errors[code as RefusalCode] ?? (status >= 500 ? ofOurs(status) : "invalid_request"); // a fault's code is in no table
  const own = { ...problem, error, error_description: described(detail ? `${title} ${detail}` : title) };
  return { status: status === 429 || status >= 500 ? status : 400, body: own };
}

const ofOurs = (status: number): OAuthError => (status === 503 ? "temporarily_unavailable" : "server_error");

/** RFC 6749, 5.2: printable ASCII without quotes and backslashes. */
const described = (text: string): string => text.replaceAll(/["\\]/g, "'").replaceAll(/[^\x20-\x7e]/g, "?");
