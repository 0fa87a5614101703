import { isSecret, secretMatches } from "@holdfast/crypto";
import type { Id, Instant } from "@holdfast/kernel";

type Described = {
  readonly id: Id<"user">;
  /** The one application that knows of this user. */
  readonly application: Id<"application">;
  /** An e-mail, or any other name, as it was written. */
  readonly login: string;
  /** argon2id with its parameters and salt; none until the first was set. */
  readonly passwordHash: string | undefined;
  /** With which a password can be set, once. */
  readonly code: Code | undefined;
  readonly createdAt: Instant;
  /** Where it last was let in stands in the sequence of revocations: what ended the user later is not undone by an older backup. */
  readonly since: number;
  /** Grows with each change; what is sealed under an older one does not open in a newer row. */
  readonly version: number;
};

/** Of its secret only SHA-256 is kept, in hexadecimal digits. */
export type Code = { readonly digest: string; readonly expiresAt: Instant };

/** Signed up and not confirmed, or invited and without a password. */
export type Pending = Described & { readonly state: "pending" };
export type Active = Described & { readonly state: "active" };
export type Suspended = Described & { readonly state: "suspended" };

/** A customer of an application. */
export type User = Pending | Active | Suspended;

const changed = <U extends User>(user: U): U => ({ ...user, version: user.version + 1 });

export const suspended = (user: User): Suspended => changed({ ...user, state: "suspended" });

/** Also where somebody is it already: what an older backup brought back as active has been ended, and this lets it in. */
export const activated = (user: User, since: number): Active => changed({ ...user, state: "active", since });

/** How long a code is good, in milliseconds. */
export const codeLifetime = 24 * 3_600_000;

export const isCodeOf = ({ code }: User, text: string, now: Instant): boolean =>
  code !== undefined &&
  now < code.expiresAt &&
  isSecret(text, "code") &&
  secretMatches(text, Uint8Array.fromHex(code.digest));

/** The code is used up. Who was suspended stays so: a password says who she is, not that she may come in. */
export function withPassword(user: User, passwordHash: string, since: number): Active | Suspended {
  const next = { ...user, passwordHash, code: undefined };
  return user.state === "suspended"
    ? changed({ ...next, state: "suspended" })
    : changed({ ...next, state: "active", since });
}
