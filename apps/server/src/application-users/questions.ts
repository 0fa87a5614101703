import type { Id, Instant } from "@holdfast/kernel";
import { answeredIn, askedAs, type Challenge } from "../passkeys/index.ts";
import type { OrgScope } from "../storage/index.ts";

/** What an answer is good for, of whom, and in which application. */
export type Purpose = {
  readonly what: "signIn" | "signUp" | "add";
  readonly application: Id<"application">;
  /** The login that was named, or the user who asks. */
  readonly about: string;
};

/** A question as the browser is asked it. */
export const asked = (scope: OrgScope, purpose: Purpose, challenge: Challenge<"user">): Uint8Array<ArrayBuffer> =>
  askedAs(tagIn(scope), inWords(purpose), challenge);

/** The question of ours that is in an answer. */
export const questionIn =
  (scope: OrgScope, purpose: Purpose, now: Instant) =>
  (bytes: Uint8Array): Challenge<"user"> | undefined =>
    answeredIn(tagIn(scope), inWords(purpose), "user", bytes, now);

const tagIn = (scope: OrgScope) => (text: string) => scope.index("application-user/challenge", text);

const inWords = ({ what, application, about }: Purpose): string => [what, application, about].join("|");
