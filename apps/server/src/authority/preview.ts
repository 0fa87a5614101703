import type { Clock, CredentialId, Id } from "@holdfast/kernel";
import type { Storage } from "../storage/index.ts";
import { callerOf } from "./caller.ts";
import type { CredentialKind } from "@holdfast/protocol";
import { partyOf, type Credential, type Party } from "./credential.ts";
import type { Permit } from "./permit.ts";
import { readChains, readCredential, readDependants } from "./reading.ts";
import type { Space } from "./space.ts";
import type { Spaces } from "./spaces.ts";
import { underOf } from "./under.ts";

/** A connection that stands open, and what was shown for it. */
export type Open = { readonly over: "mqtt" | "eventStream" | "webSocket"; readonly credential: Credential };

/** Who has connections: whoever speaks a protocol. */
export interface Connections {
  in(space: Space): Iterable<Open>;
}

/** What a revocation would end at this moment. */
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
  return preview(needs, permit, dependants, (space, credential) => hangsOn(space, credential, id, also));
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
  const ending = chains.filter(([one]) => one && ends.includes(partyOf(one)));
  const under = ending.filter((chain) => chain.some((link) => isUnder(link)));
  const ids = new Set(under.flatMap(([one]) => (one ? [one.id] : [])));
  const found = under.flatMap(([one]) => (one ? [one] : []));
  return preview({ ...needs, spaces: { of: async () => space } }, permit, found, (_, { id }) => ids.has(id));
}

async function preview(
  needs: Pick<Needs, "connections"> & { readonly spaces: Pick<Spaces, "of"> },
  permit: Permit<"credential.read">,
  dependants: readonly Credential[],
  ends: (space: Space, credential: Credential) => boolean,
): Promise<Preview> {
  const caller = callerOf(permit);
  const space = await needs.spaces.of(permit.scope.org);
  const open = { mqtt: 0, eventStream: 0, webSocket: 0 };
  const devices = new Set<Id<"device">>();
  for (const { over, credential } of needs.connections.in(space)) {
    if (!ends(space, credential)) continue;
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
  for (let next: Credential | undefined = credential; next; next = next.parent && space.credentials.get(next.parent)) {
    if (next.id === id) return true;
  }
  return false;
}
