import type { Random } from "@holdfast/kernel";
import { knownDashboards } from "./dashboards/index.ts";
import { knownGroups } from "./groups/index.ts";
import { demandsIn, homesOf, standingIn } from "./identity/index.ts";
import { thingsIn } from "./registry/index.ts";
import { periodsIn } from "./telemetry/index.ts";
import type { Keyring, Storage, Unit } from "./storage/index.ts";

/** What authority keeps in memory of an organisation, by whoever wrote it down. */
export const knownBy = (needs: { readonly storage: Storage; readonly keys: Keyring; readonly random: Random }) => ({
  things: async (unit: Unit) => ({
    ...(await thingsIn(unit)),
    owners: await periodsIn(unit).owners(),
    dashboards: await knownDashboards(unit),
    groups: await knownGroups(unit),
  }),
  demands: demandsIn,
  standing: standingIn,
  homes: homesOf(needs),
});
