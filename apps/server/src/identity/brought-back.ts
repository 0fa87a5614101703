import type { Random, Report } from "@holdfast/kernel";
import type { InstanceUnit, Keyring, Storage } from "../storage/index.ts";
import { factorResetsIn } from "./factor-reset-rows.ts";
import { isUsable, personPasskeysIn } from "./passkey-rows.ts";

type Needs = { readonly storage: Storage; readonly keys: Keyring; readonly random: Random; readonly report: Report };

/**
 * At start: passkeys of people that were removed, and resets that were called off or done, go again where an older backup of the database
 * brought them back.
 */
export async function removeBroughtBack(needs: Needs): Promise<void> {
  const { storage, keys, report } = needs;
  const kept = await storage.instance.read((unit) => keptIn(unit, needs));
  if (kept.length === 0) return;
  const ids = new Set<string>(kept.map(({ id }) => id));
  const ended = new Map<string, number>();
  for (const { about, seq } of await keys.journal.all())
    if (ids.has(about)) ended.set(about, Math.max(seq, ended.get(about) ?? 0));
  const back = kept.filter(({ id, issuedSeq }) => (ended.get(id) ?? 0) > issuedSeq);
  if (back.length === 0) return;
  await storage.instance.change(async (unit) => {
    for (const { remove } of back) await remove(unit);
  });
  report(`The database had ${back.length} passkeys of people, or resets, that had ended. They are gone again.`, {
    level: "warning",
  });
}

async function keptIn(unit: InstanceUnit, needs: Needs) {
  // One that was copied ended and is shown still.
  const passkeys = (await personPasskeysIn(unit, needs).all()).filter(isUsable);
  const resets = await factorResetsIn(unit, needs).all();
  return [
    ...passkeys.map(({ id, issuedSeq }) => ({
      id,
      issuedSeq,
      remove: (later: InstanceUnit) => personPasskeysIn(later, needs).remove(id),
    })),
    ...resets.map(({ id, issuedSeq }) => ({
      id,
      issuedSeq,
      remove: async (later: InstanceUnit) => void (await factorResetsIn(later, needs).remove(id)),
    })),
  ];
}
