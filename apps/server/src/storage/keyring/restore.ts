import { Refusal, type Instant } from "@holdfast/kernel";
import { openBackup, summaryOf, type Saved, type Summary } from "./backup.ts";
import { Epochs } from "./epochs.ts";
import { epochsOf, kekFor, storeAt, type Site } from "./site.ts";
import type { KeyStore, Place } from "./store.ts";

const atOnce = 1_000;

/**
 * Puts a keys backup in place, while no server uses the keyring. Where there is none, the backup becomes it, under the KEK found there or a new
 * one. Where there is one of the same instance, it gets what it lacks or cannot open, loses what the backup knows to be erased, and keeps the rest.
 * @throws Refusal `backup.wrong`, `keyring.wrong` where there is another instance's, `keyring.sealed` where the KEK of the one that is there is missing
 */
export async function restoreKeyring(needs: Site & { backup: Uint8Array; passphrase: string }): Promise<Summary> {
  const saved = await openBackup(needs.backup, needs.passphrase);
  const store = await storeAt(needs, "or begin");
  try {
    const state = await store.state();
    if (!state) await begin(store, saved, needs);
    else if (state.instance === saved.instance)
      await merge(store, saved, await epochsOf(store, state, needs), needs.clock.now());
    else throw new Refusal("keyring.wrong", { detail: "There is a keyring of another instance at that place." });
    return summaryOf(saved);
  } finally {
    await store.close();
  }
}

async function begin(store: KeyStore, saved: Saved, needs: Site): Promise<void> {
  const { instance, at, keys, erased, revocations, rulings, letGoBy } = saved;
  const epochs = Epochs.of({ instance, kek: kekFor(needs), random: needs.random });
  const first = epochs.begin(needs.clock.now());
  const entries = keys.map((one) => epochs.wrap(one, one.key, one.madeAt));
  const state = { instance, backedUpAt: at };
  await store.begin({ state, epochs: first, entries, erased, revocations, rulings, letGoBy });
}

/** Can be repeated: a merge that broke off is completed by the next. */
async function merge(store: KeyStore, saved: Saved, epochs: Epochs, now: Instant): Promise<void> {
  const { keys, erased, revocations, rulings, letGoBy } = saved;
  // With a further epoch key in the store, the next start of the server completes the erasure by replacing both.
  if (erased.length > 0) {
    await store.erase(erased);
    const next = epochs.next("lasting", now);
    await store.addEpoch(next);
    epochs.admit([next]);
  }
  for (let at = 0; at < keys.length; at += atOnce) {
    await store.add(keys.slice(at, at + atOnce).map((one) => epochs.wrap(one, one.key, one.madeAt)));
  }
  const contents = await store.contents();
  const broken = new Set(contents?.entries.filter((entry) => !epochs.opens(entry)).map(nameOf));
  for (const one of keys) if (broken.has(nameOf(one))) await store.put(epochs.wrap(one, one.key, one.madeAt));
  await store.revoked(revocations);
  await store.ruled(rulings);
  await store.letGo({ revocations: [], rulings: [], by: letGoBy });
}

const nameOf = ({ kind, name }: Place): string => `${kind}/${name}`;
