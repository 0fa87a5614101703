import type { Fault } from "@holdfast/kernel";
import { problem } from "@holdfast/protocol";
import type { Incoming } from "./transport.ts";

/** The platform understood the request and said no (RFC 9457). `message` is a sentence for a person. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly code: string;
  readonly status: number;
  readonly faults: readonly Fault[];
  /** What the platform's own log calls this request. */
  readonly requestId: string;
  /** When it is worth trying again, if the platform said so. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    sentence: string,
    facts: Pick<ApiProblem, "code" | "status" | "faults" | "requestId" | "retryAfterSeconds">,
  ) {
    super(sentence);
    this.code = facts.code;
    this.status = facts.status;
    this.faults = facts.faults;
    this.requestId = facts.requestId;
    this.retryAfterSeconds = facts.retryAfterSeconds;
  }
}

/** Whoever answered does not speak this API: another program (a proxy, say), or the platform in a version too far away. */
export class StrangeReply extends Error {
  override readonly name = "StrangeReply";
  readonly status: number;
  readonly from: "another program" | "another version";

  constructor(status: number, from: StrangeReply["from"], sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.status = status;
    this.from = from;
  }
}

/** What a reply that is no success says. */
export function problemFrom(reply: Incoming, text: string): ApiProblem | StrangeReply {
  const read = problem.safeParse(jsonOr(text, undefined));
  if (!read.success) {
    return new StrangeReply(
      reply.status,
      "another program",
      `The address answered ${reply.status}, but not as Holdfast does. Check the URL.`,
    );
  }
  const { title, detail, code, status, requestId, errors } = read.data;
  const wait = Number(reply.header("retry-after"));
  return new ApiProblem(sentence(title, detail), {
    code,
    status,
    requestId,
    faults: errors ?? [],
    retryAfterSeconds: Number.isFinite(wait) && wait > 0 ? wait : undefined,
  });
}

/** RFC 9457, 3.1: the title is the same for every case of a kind, the detail is about this one and may repeat it. */
function sentence(title: string, detail: string | undefined): string {
  if (!detail) return title;
  return detail.startsWith(title) ? detail : `${title} ${detail}`;
}

/** Of the faults that come with a sentence, those that it does not say itself: what is shown is said once. */
export const unsaid = (sentence: string, faults: readonly Fault[]): readonly Fault[] =>
  faults.filter(({ message }) => !sentence.includes(message));

export function jsonOr<T>(text: string, otherwise: T): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise; // the caller says what is wrong: it knows what should have been there
  }
}
