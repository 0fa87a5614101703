import type { Id } from "@holdfast/kernel";
import type { Spaces } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";

type Needs = { readonly storage: Storage; readonly spaces: Spaces };

/** What somebody did with her account is written down in each of her organisations: she belongs to no one of them. */
export async function tellOrganisations(
  { storage, spaces }: Needs,
  { person, orgs }: { readonly person: Id<"person">; readonly orgs: readonly Id<"org">[] },
  what: string,
  facts?: Readonly<Record<string, unknown>>,
): Promise<void> {
  for (const org of orgs) {
    const { scope } = await spaces.of(org);
    const actor = { kind: "credential", id: person, person } as const;
    await storage.change({ scope, actor }, async (unit) =>
      unit.audit({ what, about: person, ...(facts && { facts }) }),
    );
  }
}
