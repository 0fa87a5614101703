import type { Random } from "@holdfast/kernel";
import { demandsIn, homesOf, standingIn } from "./identity/index.ts";
import { thingsIn } from "./registry/index.ts";
import type { Keyring, Storage } from "./storage/index.ts";

/** What authority keeps in memory of an organisation, by whoever wrote it down. */
export const knownBy = (needs: { readonly storage: Storage; readonly keys: Keyring; readonly random: Random }) => ({
  things: thingsIn,
  demands: demandsIn,
  standing: standingIn,
  homes: homesOf(needs),
});
