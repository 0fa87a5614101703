import { thumbprint, type PublicKey } from "@holdfast/crypto";
import { Refusal, rfc3339, type Clock } from "@holdfast/kernel";
import { formatGrant, parseGrants, routes, type Conditions } from "@holdfast/protocol";
import { isIP } from "node:net";
import type { Storage } from "../storage/index.ts";
import type { Authentication } from "./authentication.ts";
import { plainAddress } from "./circumstances.ts";
import { partyOf } from "./credential.ts";
import { heldOf } from "./bound.ts";
import { explain } from "./explain.ts";
import type { Wanted } from "./heritage.ts";
import { usualGrants } from "./kinds.ts";
import type { ListKeeping } from "./list-keeping.ts";
import { listRoutes } from "./list-routes.ts";
import type { MintedKey, Minting } from "./minting.ts";
import { on, type Handler } from "./on.ts";
import { previewRevocation, type Connections, type Preview } from "./preview.ts";
import { credentialId, readCredential, readCredentials, type Shown } from "./reading.ts";
import type { Revocation } from "./revocation.ts";
import type { Roles } from "./role-keeping.ts";
import { roleRoutes } from "./role-routes.ts";
import type { Spaces } from "./spaces.ts";

type Needs = {
  storage: Storage;
  spaces: Spaces;
  authentication: Authentication;
  minting: Minting;
  revocation: Revocation;
  lists: ListKeeping;
  connections: Connections;
  roles: Roles;
  clock: Clock;
};

export const authorityRoutes = (needs: Needs): Handler[] => [
  on(routes.createToken, async ({ permit, body }) => {
    const { id, token, expiresAt } = await needs.minting.token(permit, wanted(body));
    return { id, token, ...(expiresAt !== undefined && { expiresAt: rfc3339(expiresAt) }) };
  }),
  on(routes.createOperatorKey, async ({ permit, body }) =>
    keyReply(await needs.minting.operatorKey(permit, wanted(body))),
  ),
  on(routes.createAccessKey, async ({ permit, body }) => {
    const { kind, grants = usualGrants[kind] } = body;
    return keyReply(await needs.minting.applicationKey(permit, kind, wanted({ ...body, grants })));
  }),
  on(routes.mintDeviceKey, async ({ permit, body }) =>
    keyReply(await needs.minting.deviceKey(permit, body.kind, heldOf(body))),
  ),
  on(routes.listCredentials, async ({ permit, query }) => {
    const { items, nextCursor } = await readCredentials(needs, permit, query);
    return { items: items.map(credentialReply), ...(nextCursor && { nextCursor }) };
  }),
  on(routes.readCredential, async ({ permit, params }) =>
    credentialReply(await readCredential(needs, permit, credentialId(params["credential"]))),
  ),
  on(routes.previewRevocation, async ({ permit, params, query }) =>
    previewReply(await previewRevocation(needs, permit, credentialId(params["credential"]), alsoOf(query))),
  ),
  on(routes.revokeCredential, async ({ permit, params, query }) => {
    await needs.revocation.credential(permit, credentialId(params["credential"]), alsoOf(query));
    return {};
  }),
  on(routes.revoke, async ({ permit, body }) => {
    await needs.revocation.everythingUnder(permit, body.about, body.ends);
    return {};
  }),
  on(routes.explain, async ({ permit, body }) =>
    explain(needs, permit, {
      credential: body.credential,
      action: body.action,
      resource: body.resource,
      came: { address: addressOf(body.from), transport: body.transport },
    }),
  ),
  on(routes.whoAmI, async ({ caller }) => {
    const { id, kind, person, application, device, grants } = caller.credential;
    return {
      credential: id,
      kind,
      org: caller.org,
      ...(person && { person }),
      ...(application && { application }),
      ...(device && { device }),
      grants: grants.map(formatGrant),
      ...(caller.expiresAt !== undefined && { expiresAt: rfc3339(caller.expiresAt) }),
    };
  }),
  ...listRoutes(needs.lists),
  ...roleRoutes(needs.roles),
];

function addressOf(text: string | undefined): string | undefined {
  if (text !== undefined && isIP(text) === 0) {
    const fault = { path: "from", message: "not an address such as 192.0.2.7 or 2001:db8::1" };
    throw new Refusal("request.malformed", { faults: [fault] });
  }
  return text === undefined ? undefined : plainAddress(text);
}

const wanted = (body: {
  name: string;
  grants: readonly string[];
  expiresIn?: number | undefined;
  publicKey?: PublicKey | undefined;
  conditions?: Conditions | undefined;
}): Wanted => ({
  name: body.name,
  grants: parseGrants(body.grants),
  lifetime: body.expiresIn,
  ...heldOf(body),
});

const keyReply = ({ id, secret, expiresAt }: MintedKey) => ({
  id,
  ...(secret !== undefined && { secret }),
  ...(expiresAt !== undefined && { expiresAt: rfc3339(expiresAt) }),
});

const alsoOf = ({ made }: { made: "true" | "false" }): readonly "made"[] => (made === "true" ? ["made"] : []);

const mostNamed = 100;

const previewReply = ({ credentials, open, devices: { count, known } }: Preview) => ({
  credentials: { count: credentials.length, items: credentials.slice(0, mostNamed) },
  connections: { mqtt: open.mqtt, eventStreams: open.eventStream, webSockets: open.webSocket },
  devices: { count, items: known.slice(0, mostNamed) },
});

function credentialReply({ credential, standing }: Shown) {
  const { id, kind, name, grants, parent, person, application, device, createdAt, expiresAt, lastUsedAt } = credential;
  const [madeBy] = credential.makers;
  return {
    id,
    kind,
    name,
    state: standing,
    party: partyOf(credential),
    grants: grants.map(formatGrant),
    ...(parent && { parent }),
    ...(madeBy && { madeBy }),
    ...(person && { person }),
    ...(application && { application }),
    ...(device && { device }),
    ...(credential.conditions && { conditions: credential.conditions }),
    ...(credential.publicKey && { boundTo: thumbprint(credential.publicKey) }),
    createdAt: rfc3339(createdAt),
    ...(expiresAt !== undefined && { expiresAt: rfc3339(expiresAt) }),
    ...(lastUsedAt !== undefined && { lastUsedAt: rfc3339(lastUsedAt) }),
  };
}
