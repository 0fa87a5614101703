import type { Id } from "@holdfast/kernel";
import type { Revocation } from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";
import type { Passkey } from "../passkeys/index.ts";
import { passkeysIn } from "./passkey-rows.ts";

type Needs = { readonly revocation: Revocation };

/** In the keyring's journal as well: an older backup does not bring it back. */
export async function removePasskey({ revocation }: Needs, unit: Unit, { id }: Pick<Passkey, "id">): Promise<void> {
  await passkeysIn(unit).remove(id);
  await revocation.in(unit, id, ["people"]);
}

export async function removePasskeysOf(needs: Needs, unit: Unit, user: Id<"user">): Promise<void> {
  for (const passkey of await passkeysIn(unit).of(user)) await removePasskey(needs, unit, passkey);
}
