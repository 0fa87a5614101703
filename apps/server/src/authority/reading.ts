import { Refusal, uuidOf, type Clock, type CredentialId, type Id, type Instant } from "@holdfast/kernel";
import { pageOf, type Allowed, type Page, type Storage, type Unit } from "../storage/index.ts";
import { callerOf, refusedBy } from "./caller.ts";
import { nobody } from "./circumstances.ts";
import type { Credential } from "./credential.ts";
import { isCredentialId } from "./explain.ts";
import type { Permit } from "./permit.ts";
import { authorityIn } from "./postgres.ts";
import { compile, standingOf } from "./power.ts";
import { endOfSession } from "./demands.ts";
import { findingsOf, type Finding } from "./findings.ts";
import type { Space } from "./space.ts";
import { asPlatform, type Spaces } from "./spaces.ts";
import { upkeepIn } from "./upkeep.ts";
import { usesIn } from "./use-rows.ts";
import { dayOf, withUse, type KeptUse } from "./uses.ts";

type Needs = { readonly storage: Storage; readonly spaces: Spaces; readonly clock: Clock };

/** A credential as it is shown: `standing` also knows what ended above it, `findings` what somebody should look at. */
export type Shown = {
  readonly credential: Credential;
  readonly standing: ReturnType<typeof standingOf>;
  readonly findings: readonly Finding[];
};

/** How it was used: as it is kept, with what was noted since. `undefined` where that is not known. */
export async function readUse(
  { storage, spaces, clock }: Needs,
  permit: Permit<"credential.read">,
  { id, lastUsedAt }: Credential,
): Promise<(KeptUse & { readonly at: Instant | undefined }) | undefined> {
  const space = await spaces.of(permit.scope.org);
  const noted = space.uses.of(id);
  const kept = (await storage.read(permit, (unit) => usesIn(unit).of([id]))).get(uuidOf(id));
  // It was used before that was kept.
  if (!kept && !noted && lastUsedAt !== undefined) return undefined;
  const use = withUse(kept, noted ?? { actions: new Map() }, dayOf(clock.now()));
  return { ...use, at: noted?.at };
}

/** A session is over here when the organisation says so, which may be before its cookie is. */
function untilItsEnd({ demands }: Space, credential: Credential): Credential {
  const over = endOfSession(demands, credential) ?? Number.POSITIVE_INFINITY;
  return over < (credential.expiresAt ?? over) ? { ...credential, expiresAt: over as Instant } : credential; // of a session
}

/** Every credential, each with what is above it. What kind it is, is sealed, so all are looked at. */
export async function readChains(
  { storage, spaces, clock }: Needs,
  permit: Permit<"credential.read">,
): Promise<readonly (readonly Credential[])[]> {
  const space = await spaces.of(permit.scope.org);
  const all = await storage.read(permit, (unit) => authorityIn(unit).everyCredential());
  const known = new Map(all.map((one) => [one.id, one]));
  const now = clock.now();
  return all.flatMap((credential) => {
    const power = compile(space, credential, nobody, now, (id) => known.get(id));
    if (standingOf(power, now) !== "active") return [];
    const chain = [credential];
    for (let next = credential.parent; next; next = known.get(next)?.parent) {
      const above = known.get(next);
      if (above) chain.push(above);
    }
    return [chain];
  });
}

/** The credential of a path. @throws Refusal `id.malformed` */
export function credentialId(text: string | undefined): CredentialId {
  if (text === undefined || !isCredentialId(text)) throw new Refusal("id.malformed");
  return text;
}

export async function readCredential(
  needs: Needs,
  permit: Permit<"credential.read">,
  id: CredentialId,
): Promise<Shown> {
  const [shown] = await read(needs, permit, async (unit) => {
    const credential = await authorityIn(unit).credential(id);
    return credential ? [credential] : [];
  });
  if (!shown) throw refusedBy(permit, "credential.read", id, new Refusal("credential.unknown"));
  return shown;
}

/** A page, oldest first. The kind is sealed, so a page asked by kind may be short before the last. */
export async function readCredentials(
  needs: Needs,
  permit: Permit<"credential.read">,
  asked: { limit: number; cursor?: string | undefined; kind?: string | undefined; device?: Id<"device"> | undefined },
): Promise<Page<Shown>> {
  const page = await pageOf(
    asked,
    (after, most) => read(needs, permit, (unit) => authorityIn(unit).credentials(after, most, asked.device)),
    {
      at: ({ credential }) => credential.createdAt,
      id: ({ credential }) => uuidOf(credential.id),
    },
  );
  const { kind } = asked;
  return kind === undefined
    ? page
    : { ...page, items: page.items.filter(({ credential }) => credential.kind === kind) };
}

/** Which others are good now and end with this one; with "made" also those that it and they made for devices and applications. */
export async function readDependants(
  needs: Needs,
  permit: Permit<"credential.read">,
  id: CredentialId,
  also: readonly "made"[],
): Promise<readonly Credential[]> {
  const found = await read(needs, permit, async (unit) => {
    const rows = authorityIn(unit);
    const below = await rows.descendantsOf(id);
    if (also.length === 0) return below;
    const made = await rows.madeBy(id);
    return [...new Map([...below, ...made].map((one) => [one.id, one])).values()];
  });
  return found.filter(({ standing }) => standing === "active").map(({ credential }) => credential);
}

/** The links to a dashboard, newest first, and how often each was opened. */
export async function readLinks(
  needs: Needs,
  permit: Permit<"dashboard.share">,
): Promise<readonly (Pick<Shown, "credential" | "standing"> & { readonly opened: number })[]> {
  const { storage, spaces } = needs;
  const { uses } = await spaces.of(permit.scope.org);
  const all = await read(needs, permit, (unit) => authorityIn(unit).keysOf(permit.on));
  const found = all.toSorted((a, b) => b.credential.createdAt - a.credential.createdAt);
  const notes = found.map(({ credential }) => uses.of(credential.id));
  const kept = await storage.read(permit, (unit) => usesIn(unit).of(found.map(({ credential }) => credential.id)));
  return found.map(({ credential, standing }, at) => {
    const noted = notes[at];
    const opened = (kept.get(uuidOf(credential.id))?.opened ?? 0) + (noted?.opened ?? 0);
    return { credential: { ...credential, lastUsedAt: noted?.at ?? credential.lastUsedAt }, standing, opened };
  });
}

async function read(
  { storage, spaces, clock }: Needs,
  permit: Permit<"credential.read"> | Permit<"dashboard.share">,
  find: (unit: Unit) => Promise<readonly Credential[]>,
): Promise<readonly Shown[]> {
  const space = await spaces.of(permit.scope.org);
  return storage.read(permit, async (unit) => {
    const found = await find(unit);
    const above = new Map((await authorityIn(unit).ancestorsOf(found)).map((one) => [one.id, one]));
    const now = clock.now();
    const upkeep = await upkeepIn(unit).own();
    return found.map((credential) => {
      const power = compile(space, credential, nobody, now, (id) => above.get(id));
      const standing = standingOf(power, now);
      return {
        credential: untilItsEnd(space, credential),
        standing,
        findings: findingsOf(credential, standing, upkeep, now),
      };
    });
  });
}

const keysAtOnce = 1_000;

/** The credentials of all devices, from now on; in pieces, so that others have their turn in between. @throws Refusal `storage.unavailable` */
export const knowDeviceKeys = (storage: Storage, { scope, credentials }: Space): Promise<void> =>
  credentials.ofDevices.ready((keys) =>
    storage.read(asPlatform(scope), async (unit) => {
      let last: Credential | undefined;
      do {
        const some = await authorityIn(unit).deviceCredentials(last, keysAtOnce);
        for (const credential of some) keys.put(credential);
        last = some.length < keysAtOnce ? undefined : some.at(-1);
      } while (last);
    }),
  );

/** Before something is told that names credentials to whoever might not know of them. @throws Refusal `permit.missing` */
export function askToReadCredentials(permit: Allowed, what: string): void {
  const caller = callerOf(permit);
  if (caller.mayAnywhere("credential.read")) return;
  const detail = `${what} names credentials: it needs credential.read.`;
  throw caller.refuse("credential.read", caller.org, detail, new Refusal("permit.missing", { detail }));
}

/** Whether whoever asked may be told of this credential: of his own, or of any. */
export function seesCredential(permit: Allowed, id: CredentialId): boolean {
  const caller = callerOf(permit);
  return caller.credential.id === id || caller.mayAnywhere("credential.read");
}
