import type { Random, Report } from "@holdfast/kernel";
import type { Keyring, Storage } from "../storage/index.ts";
import { factorResetsIn } from "./factor-reset-rows.ts";

type Needs = { readonly storage: Storage; readonly keys: Keyring; readonly random: Random; readonly report: Report };

/** At start: resets that were called off or done go again where an older backup of the database brought them back. */
export async function removeBroughtBack(needs: Needs): Promise<void> {
  const { storage, keys, report } = needs;
  const kept = await storage.instance.read((unit) => factorResetsIn(unit, needs).places());
  if (kept.size === 0) return;
  const marks = await keys.journal.all();
  const back = marks.flatMap(({ about, seq }) => (seq > (kept.get(about) ?? seq) ? [about] : []));
  if (back.length === 0) return;
  const removed = await storage.instance.change((unit) => factorResetsIn(unit, needs).removeAll(back));
  report(`The database had ${removed} resets of second factors that had ended. They are gone again.`, {
    level: "warning",
  });
}
