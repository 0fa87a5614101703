import { because, type Id, type Random, type Report } from "@holdfast/kernel";
import type { Space, Spaces } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import type { Kind } from "./letter.ts";
import type { Post } from "./outbox.ts";
import { peopleIn } from "./postgres.ts";
import { spacesOf } from "./telling.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly post: Post;
  readonly random: Random;
  readonly report: Report;
};

/** Whoever may be an owner of it now. */
export async function ownersOf(needs: Pick<Needs, "storage" | "keys" | "random">, space: Space) {
  const people = await needs.storage.instance.read((unit) => peopleIn(unit, needs).all(space.owners()));
  return [...people.values()];
}

/** By mail to every owner of an organisation, after it was done: where that fails it is done all the same, and the operator is told. */
export async function alertOwners(
  needs: Needs,
  org: Id<"org">,
  { subject, lines }: { readonly subject: string; readonly lines: readonly string[] },
  kind: Kind = "organisation",
): Promise<void> {
  const { spaces, post, report } = needs;
  try {
    const owners = await ownersOf(needs, await spaces.of(org));
    for (const { email } of owners) await post.send({ kind, to: email, subject, lines });
  } catch (error) {
    report("The owners of an organisation could not be told by mail of what became of it.", {
      ...because(error),
      org,
    });
  }
}

/** A member took a factor of hers away: the owners of organisations that demand one are told by mail as well. */
export async function alertWhereDemanded(
  needs: Needs,
  { email, orgs }: { readonly email: string; readonly orgs: readonly Id<"org">[] },
  what: string,
): Promise<void> {
  for (const { org, demands } of await spacesOf(needs, orgs)) {
    if (demands.people?.factor === undefined) continue;
    const letter = {
      subject: `${email} turned a second factor off`,
      lines: [
        `${email}, a member of an organisation of yours that demands a second factor, ${what}.`,
        "Where she has no other factor that is demanded, nothing of the organisation opens for her until she has one again.",
      ],
    };
    await alertOwners(needs, org, letter, "member");
  }
}
