import type { CredentialId, Id } from "@holdfast/kernel";
import type { Circumstances } from "./circumstances.ts";
import type { CredentialKind } from "@holdfast/protocol";
import type { Credential } from "./credential.ts";

/** Somebody at a door: a credential, all that it hangs on, and how it came. */
export type Visitor = {
  readonly id: CredentialId;
  readonly kind: CredentialKind;
  readonly person: Id<"person"> | undefined;
  /** Set for a device that comes itself. */
  readonly device: Id<"device"> | undefined;
  /** Set for an application user who is here herself. */
  readonly user?: Id<"user"> | undefined;
  /** An application user who is here herself, or stands in its chain. */
  readonly asUser?: Id<"user"> | undefined;
  /** Itself, its chain, and all that made it: who is denied does not come back by what he makes. */
  readonly behind: ReadonlySet<string>;
  /** Itself and its chain. */
  readonly chain: readonly CredentialId[];
  readonly kinds: readonly CredentialKind[];
  readonly circumstances: Circumstances | undefined;
};

export function visitorOf(
  credential: Credential,
  chain: readonly Credential[],
  circumstances: Circumstances | undefined,
): Visitor {
  const people = chain.flatMap(({ person }) => (person ? [person] : []));
  return {
    id: credential.id,
    kind: credential.kind,
    person: people[0],
    device: credential.device,
    user: credential.user?.id,
    asUser: chain.find(({ user }) => user)?.user?.id,
    behind: new Set([...chain.map(({ id }) => id), ...chain.flatMap(({ makers }) => makers), ...people]),
    chain: chain.map(({ id }) => id),
    kinds: chain.map(({ kind }) => kind),
    circumstances,
  };
}

/** As a clause names somebody. */
export const called = ({ id, person }: Visitor): string => (person ? `${id} of ${person}` : id);
