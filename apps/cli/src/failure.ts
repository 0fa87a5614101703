import { ApiProblem, NotReached, StrangeReply } from "@holdfast/client";
import { Refusal, type Fault } from "@holdfast/kernel";

/** What the process ends with. Scripts rely on the numbers. */
export const exits = { done: 0, refused: 1, misuse: 2, unreachable: 3, fault: 70 } as const;
export type Exit = (typeof exits)[keyof typeof exits];

/** The command was used wrongly; the sentence says how to use it. */
export class Misuse extends Error {
  override readonly name = "Misuse";
}

/** The command was right, but something on this machine stands in the way: a file, a folder. */
export class Hindrance extends Error {
  override readonly name = "Hindrance";
}

/** What is told about an error, to people and, as it is, to programs; and what the process then ends with. */
export type Failure = { readonly exit: Exit; readonly told: Told };

type Told = {
  readonly code: string;
  readonly sentence: string;
  readonly status?: number;
  readonly requestId?: string;
  readonly errors?: readonly Fault[];
  readonly retryAfterSeconds?: number;
};

/** What somebody does about it with the command. */
const hints: Readonly<Partial<Record<string, string>>> = {
  "proof.required": " --key-file or HOLDFAST_KEY_FILE names it.",
  "confirmation.required": " Here that is done by holdfast login.",
};

export function failureOf(error: unknown): Failure {
  if (error instanceof Misuse) return { exit: exits.misuse, told: { code: "usage", sentence: error.message } };
  if (error instanceof Hindrance) return { exit: exits.refused, told: { code: "local", sentence: error.message } };
  if (error instanceof Refusal) return { exit: exits.refused, told: toldBy(error) };
  if (error instanceof ApiProblem) {
    const { status, requestId } = error;
    const told = { ...toldBy(error), status, requestId };
    told.sentence += hints[error.code] ?? "";
    return { exit: status === 500 ? exits.fault : exits.refused, told };
  }
  if (error instanceof NotReached) {
    return { exit: exits.unreachable, told: { code: error.why, sentence: withAdvice(error) } };
  }
  if (error instanceof StrangeReply) {
    const exit = error.from === "another version" ? exits.fault : exits.unreachable;
    return { exit, told: { code: "strange", sentence: error.message, status: error.status } };
  }
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const sentence = `This is a fault of the command itself. Please report it: ${what}`;
  return { exit: exits.fault, told: { code: "fault", sentence } };
}

function toldBy(error: ApiProblem | Refusal): Told {
  const { code, message, faults, retryAfterSeconds } = error;
  return {
    code,
    sentence: message,
    ...(faults.length > 0 && { errors: faults }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}

const withAdvice = ({ why, message }: NotReached): string =>
  why === "untrusted" ? `${message} --ca-file or HOLDFAST_CA_FILE names the authority to trust.` : message;

/** Node's code for a failed system call, such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
