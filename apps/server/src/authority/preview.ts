import type { Clock, CredentialId, Id, Instant } from "@holdfast/kernel";
import type { Storage } from "../storage/index.ts";
import { callerOf } from "./caller.ts";
import type { Circumstances } from "./circumstances.ts";
import type { CredentialKind, Demands } from "@holdfast/protocol";
import { partyOf, type Credential, type Party } from "./credential.ts";
import { atOnce, demandedOf, endOfSession } from "./demands.ts";
import { demanding, type Demanding } from "./factors.ts";
import type { Permit } from "./permit.ts";
import { readChains, readCredential, readDependants } from "./reading.ts";
import { refuseToShutOut } from "./shutting-out.ts";
import type { Space } from "./space.ts";
import type { Spaces } from "./spaces.ts";
import { underOf } from "./under.ts";

/** A connection that stands open, and what was shown for it. */
export type Open = {
  readonly over: "mqtt" | "eventStream" | "webSocket";
  readonly credential: Credential;
  readonly circumstances: Circumstances | undefined;
};

/** Who has connections: whoever speaks a protocol. */
export interface Connections {
  in(space: Space): Iterable<Open>;
}

/** What a revocation would end at this moment, or other demands refuse. */
export type Preview = {
  readonly credentials: readonly { readonly id: CredentialId; readonly kind: CredentialKind; readonly name: string }[];
  readonly open: Readonly<Record<Open["over"], number>>;
  /** Whose connections these are, or some of them. */
  readonly devices: { readonly count: number; readonly known: readonly Id<"device">[] };
};

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly connections: Connections;
  readonly clock: Clock;
};

/** What ends when this credential is revoked now. Of devices the caller learns which they are where she may read them. */
export async function previewRevocation(
  needs: Needs,
  permit: Permit<"credential.read">,
  id: CredentialId,
  also: readonly "made"[] = [],
): Promise<Preview> {
  await readCredential(needs, permit, id);
  const dependants = await readDependants(needs, permit, id, also);
  return preview(needs, permit, dependants, (space, { credential }) => hangsOn(space, credential, id, also));
}

/** What ends when everything of these parties under this is revoked now: as `Revocation.everythingUnder` would. */
export async function previewUnder(
  needs: Needs,
  permit: Permit<"credential.read">,
  about: string,
  ends: readonly Party[],
): Promise<Preview> {
  const space = await needs.spaces.of(permit.scope.org);
  const isUnder = underOf(callerOf(permit), about);
  const chains = await readChains(needs, permit);
  // As `compile` decides: by what it is itself, or as what a program made.
  const isEnding = (one: Credential, link: Credential) =>
    ends.includes(partyOf(one)) || (ends.includes("programs") && partyOf(link) === "programs");
  const under = chains.filter((chain) => chain.some((link) => chain[0] && isUnder(link) && isEnding(chain[0], link)));
  const ids = new Set(under.flatMap(([one]) => (one ? [one.id] : [])));
  const found = under.flatMap(([one]) => (one ? [one] : []));
  return preview({ ...needs, spaces: { of: async () => space } }, permit, found, (_, { credential }) =>
    ids.has(credential.id),
  );
}

/** What is refused once this is demanded in place of what is demanded now. @throws Refusal `request.malformed` where it would be the caller */
export async function previewDemands(
  needs: Needs,
  permit: Permit<"credential.read">,
  demands: Demands,
): Promise<Preview> {
  const space = await needs.spaces.of(permit.scope.org);
  if (demands.people?.provider) await needs.spaces.knowHomes(space);
  refuseToShutOut(permit, demands);
  const now = needs.clock.now();
  const chains = await readChains(needs, permit);
  // Whoever has a factor to get until some day is counted: on that day it is too late to ask.
  const then = demanding(space, atOnce(demands));
  const newly = chains.filter((chain) => !isRefused(space, chain, undefined, now));
  const found = newly.filter((chain) => isRefused(then, chain, undefined, now));
  const credentials = found.flatMap(([one]) => (one ? [one] : []));
  return preview(
    { ...needs, spaces: { of: async () => space } },
    permit,
    credentials,
    (_, { credential, circumstances }) => isRefused(then, chainOf(space, credential), circumstances, now),
  );
}

/** Of itself or of what is above it, by how it came where that is known: as `compile` decides. */
const isRefused = (
  asking: Demanding,
  chain: Iterable<Credential>,
  came: Circumstances | undefined,
  now: Instant,
): boolean =>
  [...chain].some((link) => {
    const { against, until } = demandedOf(asking, link, came, now);
    const over = endOfSession(asking.demands, link);
    return against !== undefined || (until !== undefined && now >= until) || (over !== undefined && now >= over);
  });

async function preview(
  needs: Pick<Needs, "connections"> & { readonly spaces: Pick<Spaces, "of"> },
  permit: Permit<"credential.read">,
  dependants: readonly Credential[],
  ends: (space: Space, open: Open) => boolean,
): Promise<Preview> {
  const caller = callerOf(permit);
  const space = await needs.spaces.of(permit.scope.org);
  const open = { mqtt: 0, eventStream: 0, webSocket: 0 };
  const devices = new Set<Id<"device">>();
  for (const one of needs.connections.in(space)) {
    if (!ends(space, one)) continue;
    const { over, credential } = one;
    open[over] += 1;
    if (credential.device) devices.add(credential.device);
  }
  return {
    credentials: dependants.map(({ id, kind, name }) => ({ id, kind, name })),
    open,
    devices: {
      count: devices.size,
      known: [...devices].filter((device) => caller.mayDevice("device.read", device)),
    },
  };
}

/** Whether this one ends with that one: it is it, that one is above it, or, where that ends too, made it. As `compile` decides. */
function hangsOn(space: Space, credential: Credential, id: CredentialId, also: readonly "made"[]): boolean {
  if (also.length > 0 && credential.makers.includes(id)) return true;
  return [...chainOf(space, credential)].some((link) => link.id === id);
}

/** The credential, what made it, and so on. */
function* chainOf(space: Space, credential: Credential): Generator<Credential> {
  for (let next: Credential | undefined = credential; next; next = next.parent && space.credentials.get(next.parent))
    yield next;
}
