import type { CredentialId } from "@holdfast/kernel";
import { authorityIn, type Revocation, type Spaces } from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";
import { sessionsIn } from "./postgres.ts";
import type { UserSession } from "./session.ts";
import type { User } from "./user.ts";

type Needs = { readonly revocation: Revocation; readonly spaces: Spaces };

/** Within somebody's unit: a session with all its tokens, in the keyring's journal as well. */
export async function endSession({ revocation }: Needs, unit: Unit, session: UserSession): Promise<void> {
  await sessionsIn(unit).remove(session.id);
  await revocation.in(unit, session.id, ["people"], session.expiresAt);
}

/** All of a user's. */
export async function endSessionsOf(needs: Needs, unit: Unit, user: User): Promise<void> {
  await sessionsIn(unit).removeAllOf(user.id);
  await needs.revocation.in(unit, user.id, ["people"]);
  forget(needs, unit, await authorityIn(unit).removeOf({ user: user.id }));
}

/** Tokens whose rows are gone. */
export function forget({ spaces }: Pick<Needs, "spaces">, unit: Unit, ids: readonly CredentialId[]): void {
  unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => ids.forEach((id) => space.credentials.delete(id))));
}
