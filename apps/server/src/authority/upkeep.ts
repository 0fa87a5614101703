import { uuidOf } from "@holdfast/kernel";
import type { Upkeep } from "@holdfast/protocol";
import type { Storage, Unit } from "../storage/index.ts";
import type { Permit } from "./permit.ts";

/** What nobody said otherwise. */
const usual: Upkeep = { endExposed: false, oldAfterDays: 365, endingWithinDays: 30 };

/** What an organisation wants done about secrets that are old, or that others have seen. */
export const upkeepIn = (unit: Unit) => ({
  async own(): Promise<Upkeep> {
    const [row] = await unit.query<{ body: Uint8Array }>("select body from upkeep", []);
    if (!row) return usual;
    const plain = unit.scope.open("upkeep", unit.scope.org, row.body);
    return { ...usual, ...(JSON.parse(new TextDecoder().decode(plain)) as Partial<Upkeep>) }; // sealed below
  },

  async save(upkeep: Upkeep): Promise<void> {
    const body = unit.scope.seal("upkeep", unit.scope.org, new TextEncoder().encode(JSON.stringify(upkeep)));
    await unit.query(
      "insert into upkeep (org, body) values ($1, $2) on conflict (org) do update set body = excluded.body",
      [uuidOf(unit.scope.org), body],
    );
  },
});

export const readUpkeep = (storage: Storage, permit: Permit<"org.read">): Promise<Upkeep> =>
  storage.read(permit, (unit) => upkeepIn(unit).own());

export const changeUpkeep = (
  storage: Storage,
  permit: Permit<"org.update">,
  asked: { readonly [K in keyof Upkeep]?: Upkeep[K] | undefined },
): Promise<Upkeep> =>
  storage.change(permit, async (unit) => {
    const before = await upkeepIn(unit).own();
    const {
      endExposed = before.endExposed,
      oldAfterDays = before.oldAfterDays,
      endingWithinDays = before.endingWithinDays,
    } = asked;
    const upkeep = { endExposed, oldAfterDays, endingWithinDays };
    await upkeepIn(unit).save(upkeep);
    unit.audit({ what: "upkeep.changed", about: unit.scope.org, facts: upkeep });
    return upkeep;
  });
