import { idFrom, parseId, Refusal, systemRandom, uuidOf, type Id, type Random, type Report } from "@holdfast/kernel";
import {
  listRuling,
  secretRuling,
  type Journal,
  type Revocation,
  type Rulings,
  type Spaces,
} from "./authority/index.ts";
import { ownListRuling } from "./application-users/index.ts";
import { groupRuling } from "./groups/index.ts";
import { demandsRuling, memberRuling, reconcilePasswords, standingRuling } from "./identity/index.ts";
import type { Registry } from "./registry/index.ts";
import type { Keyring, Storage } from "./storage/index.ts";
import { MessageSeals } from "./telemetry/index.ts";

/** Something was lost, and was known to somebody else. */
const lost = { level: "warning" } as const;

type Needs = {
  storage: Storage;
  keys: Keyring;
  random: Random;
  journal: Journal;
  revocation: Revocation;
  rulings: Rulings;
  spaces: Spaces;
  registry: Registry;
  report: Report;
};

/** Of how many of each. */
const inWords: Readonly<Record<string, string>> = {
  door: "doors",
  lists: "allow and deny lists",
  demands: "demands of organisations",
  member: "suspended members",
  standing: "organisations that are stopped",
  secret: "secrets of credentials",
  user: "devices of customers",
  gateway: "gateways of devices",
  group: "groups of devices",
  signUp: "sign-ups of applications",
  userLists: "lists of customers",
};

const orgsIn = async (storage: Storage): Promise<readonly Id<"org">[]> =>
  (await storage.directory.call<{ org: string }>("all_orgs", [])).map(({ org }) => idFrom("org", org));

type Erasing = { readonly storage: Storage; readonly keyring: Keyring; readonly report: Report };

/**
 * At start, before the log is read: rows of an organisation whose key was erased, by a stop in the midst of that or an older backup.
 * @throws Refusal `keyring.incomplete` where the key of one is missing and was not erased: its readings in the log would be let go as if it were
 */
export async function eraseAgain(needs: Erasing): Promise<void> {
  const { storage, keyring, report } = needs;
  const orgs = await orgsIn(storage);
  const erased = new Set(await keyring.erased("org", orgs));
  const known = new Set([...erased, ...(await keyring.holding("org", orgs))]);
  const lacking = orgs.filter((org) => !known.has(org));
  if (lacking.length > 0) {
    const detail = `It has none of ${lacking.slice(0, 3).join(", ")}${lacking.length > 3 ? ` and ${lacking.length - 3} more organisations` : ""}, of which the database has rows: it is an older copy. Put the newer one back in its place, or restore a backup of the data that is as old.`;
    throw new Refusal("keyring.incomplete", { detail });
  }
  for (const org of orgs.filter((one) => erased.has(one))) {
    await storage.eraseOrg(org);
    report(`The database had rows of ${org}, which was erased. They are gone again.`, lost);
  }
  await destroyAgain(needs);
}

/** The other way around: an older copy of the keyring has the key of an organisation that was erased, and those of its devices. Its own goes last. */
async function destroyAgain({ storage, keyring, report }: Erasing): Promise<void> {
  const rows = await storage.maintain.call<{ org: string }>("orgs_erased", []);
  const orgs = rows.map(({ org }) => idFrom("org", org));
  for (const org of (await keyring.holding("org", orgs)).map((name) => parseId("org", name))) {
    const devices = await storage.maintain.call<{ name: string }>("keys_of_erased", [uuidOf(org)]);
    const names = devices.map(({ name }) => name);
    await keyring.erase("device", names);
    await new MessageSeals({ keys: keyring, random: systemRandom }).destroyAll(org);
    await keyring.erase("org", [org]);
    report(
      `The keyring is an older copy: it had the key of ${org} again, which was erased. It is destroyed again.`,
      lost,
    );
  }
}

/** At start, before anybody is let in: the database may be an older backup of itself. What the keyring knows holds, and people are told. */
export async function reconcile(needs: Needs): Promise<void> {
  const { storage, revocation, rulings, spaces, registry, report } = needs;
  const orgs = await orgsIn(storage);
  const revoked = await revocation.reconcile(
    orgs,
    async (seq) => void (await storage.maintain.call("advance_revocations", [seq])),
  );
  if (revoked > 0)
    report(`The database had lost ${revoked} revocations, as after restoring an older backup. They hold again.`, lost);
  const kinds = [
    secretRuling(spaces),
    listRuling(spaces),
    demandsRuling(spaces),
    memberRuling(spaces),
    standingRuling(spaces),
    ownListRuling(spaces),
    ...registry.ruled,
    groupRuling(spaces),
  ];
  const decided = Object.entries(Object.groupBy(await rulings.reconcile(orgs, kinds), (kind) => kind));
  if (decided.length > 0) {
    const counts = decided.map(([kind, all = []]) => `${inWords[kind] ?? kind} ${all.length}`).join(", ");
    report(
      `The database had lost what was decided last, as after restoring an older backup: ${counts}. It holds again.`,
      lost,
    );
  }
  const { suspended, moved } = await registry.reconcile(orgs);
  if (suspended > 0)
    report(`The database took ${suspended} suspended devices for active. They are suspended again.`, lost);
  if (moved > 0)
    report(`The database had lost where ${moved} devices had been put. What ended there has ended for them.`, lost);
  await reconcilePasswords(needs);
}
