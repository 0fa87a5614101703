import { isRefusal, type Id } from "@holdfast/kernel";
import type { Space, Spaces } from "../authority/index.ts";
import type { Actor, Storage, Unit } from "../storage/index.ts";

type Needs = { readonly storage: Storage; readonly spaces: Spaces };

type Whose = {
  readonly person: Id<"person">;
  readonly orgs: readonly Id<"org">[];
  /** Who did it: she, when nobody says otherwise. */
  readonly by?: "herself" | "platform" | undefined;
};

/**
 * What somebody did with her account is written down in each of her organisations: she belongs to no one of them. `also`: what has to
 * hold in each of them from then on.
 */
export async function tellOrganisations(
  { storage, spaces }: Needs,
  { person, orgs, by = "herself" }: Whose,
  what: string,
  facts?: Readonly<Record<string, unknown>>,
  also?: (unit: Unit) => Promise<void>,
): Promise<void> {
  for (const { scope } of await spacesOf({ spaces }, orgs)) {
    const actor: Actor = by === "platform" ? { kind: by } : { kind: "credential", id: person, person };
    await storage.change({ scope, actor }, async (unit) => {
      unit.audit({ what, about: person, ...(facts && { facts }) });
      await also?.(unit);
    });
  }
}

/** Less those that are being erased: nobody is there to tell, and nothing to come in to. */
export async function spacesOf(
  { spaces }: Pick<Needs, "spaces">,
  orgs: readonly Id<"org">[],
): Promise<readonly Space[]> {
  const found: Space[] = [];
  for (const org of orgs) {
    try {
      found.push(await spaces.of(org));
    } catch (error) {
      if (!isRefusal(error, "org.unknown")) throw error;
    }
  }
  return found;
}
