import { newId, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { OrgScope } from "../storage/index.ts";
import type { Credential } from "./credential.ts";
import { Space, type Remembered } from "./space.ts";

let made = 0;

/** Counts, so that no two are the same, and a failure can be repeated. */
export const counted: Random = {
  bytes(count) {
    const filled = new Uint8Array(count);
    new DataView(filled.buffer).setUint32(0, (made += 1));
    return filled;
  },
};

/** An organisation as authority sees it, and nothing else of it; of what is not given it has none. */
export const spaceOf = (org: Id<"org">, known: Partial<Remembered> = {}): Space =>
  new Space(
    { org } as OrgScope, // nothing here seals
    {
      devices: new Map(),
      applications: new Set(),
      products: new Map(),
      members: new Map(),
      roles: new Map(),
      revokedBefore: new Map(),
      demands: {},
      ...known,
    },
    () => undefined,
  );

/** A program's, made by nobody, that may do nothing; but for what is given. */
export const credentialOf = (more: Partial<Credential> = {}): Credential => ({
  id: newId("token", counted),
  kind: "apiToken",
  name: "",
  state: "active",
  parent: undefined,
  makers: [],
  person: undefined,
  inPerson: false,
  application: undefined,
  device: undefined,
  grants: [],
  issuedSeq: 1,
  createdAt: 0 as Instant,
  expiresAt: undefined,
  lastUsedAt: undefined,
  digest: new Uint8Array(32),
  publicKey: undefined,
  conditions: undefined,
  version: 1,
  ...more,
});
