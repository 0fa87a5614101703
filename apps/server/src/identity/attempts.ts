import { idFrom, uuidOf, type Id, type RefusalCode } from "@holdfast/kernel";
import type { Refused, Spaces } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";

/** Told of a sign-in that failed, in each organisation of that person; without an answer, so that nobody waits for it. */
export type RefusedSignIn = (who: Refused, about: Id<"person"> | Id<"invitation">, code?: RefusalCode) => void;

type Needs = { storage: Storage; spaces: Spaces; refusedSignIn: RefusedSignIn };

/** Takes as long when there is nobody. */
export async function organisationsOf(
  { storage }: Pick<Needs, "storage">,
  person: Id<"person"> | undefined,
): Promise<readonly Id<"org">[]> {
  const rows = await storage.directory.call<{ org: string }>("orgs_of_person", [person ? uuidOf(person) : null]);
  return rows.map(({ org }) => idFrom("org", org));
}

/** A person has one password for all her organisations, so all of them learn that somebody tried it. */
export async function noteRefused(
  { spaces, refusedSignIn }: Needs,
  person: Id<"person">,
  orgs: readonly Id<"org">[],
  code?: RefusalCode,
): Promise<void> {
  for (const org of orgs) {
    // An organisation that cannot be read now has nowhere to write it either.
    const space = await spaces.of(org).catch(() => undefined);
    if (space) refusedSignIn({ space, actor: { kind: "platform" } }, person, code);
  }
}
