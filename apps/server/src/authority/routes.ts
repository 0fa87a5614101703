import { isSecret, thumbprint, type PublicKey } from "@holdfast/crypto";
import { Refusal, rfc3339, type Clock, type Instant, type Random, type Report, type Timers } from "@holdfast/kernel";
import { formatGrant, parseGrants, routes, type Conditions } from "@holdfast/protocol";
import { isIP } from "node:net";
import type { Storage, Unit } from "../storage/index.ts";
import type { Authentication } from "./authentication.ts";
import { plainAddress } from "./circumstances.ts";
import { partyOf, type Credential } from "./credential.ts";
import { heldOf } from "./bound.ts";
import { enrolsOf, enrolsReply } from "./enrols.ts";
import { explain } from "./explain.ts";
import type { Wanted } from "./heritage.ts";
import { usualGrants } from "./kinds.ts";
import type { Issued } from "./issuer.ts";
import type { Issuing } from "./issuing.ts";
import { issuingRoutes } from "./issuing-routes.ts";
import type { ListKeeping } from "./list-keeping.ts";
import { listRoutes } from "./list-routes.ts";
import { manufacturerRoutes } from "./manufacturer-routes.ts";
import type { Manufacturers } from "./manufacturers.ts";
import type { MintedKey, Minting } from "./minting.ts";
import { on, type Handler } from "./on.ts";
import type { Leaks } from "./leaks.ts";
import { previewDemands, previewRevocation, previewUnder, type Connections, type Preview } from "./preview.ts";
import { credentialId, readCredential, readCredentials, readUse, type Shown } from "./reading.ts";
import type { RevocationLists } from "./revocation-list.ts";
import type { Revocation } from "./revocation.ts";
import type { Roles } from "./role-keeping.ts";
import { roleRoutes } from "./role-routes.ts";
import type { Sessions } from "./sessions.ts";
import { simulationRoutes } from "./simulation-routes.ts";
import { Simulating } from "./simulating.ts";
import type { Rotation } from "./rotation.ts";
import { changeUpkeep, readUpkeep } from "./upkeep.ts";
import { wornOf, type KeptUse } from "./uses.ts";
import type { Spaces } from "./spaces.ts";

type Needs = {
  storage: Storage;
  spaces: Spaces;
  authentication: Authentication;
  minting: Minting;
  revocation: Revocation;
  lists: ListKeeping;
  rotation: Rotation;
  issuing: Issuing;
  revocationLists: RevocationLists;
  manufacturers: Manufacturers;
  leaks: Leaks;
  sessions: Sessions;
  /** What application users renew their sessions with. */
  refreshTokens: { owned(text: string): Promise<{ end(): Promise<void> } | undefined> };
  timers: Timers;
  connections: Connections;
  roles: Roles;
  report: Report;
  accounts: ConstructorParameters<typeof Simulating>[0]["settles"];
  clock: Clock;
  random: Random;
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
    const enrols = enrolsOf(body);
    const within = enrols && ((unit: Unit) => needs.issuing.prepareIn(unit, permit));
    const asked = { ...wanted({ ...body, grants }), enrols };
    return keyReply(await needs.minting.applicationKey(permit, kind, asked, within));
  }),
  on(routes.mintDeviceKey, async ({ permit, body }) => {
    const { kind, attributes = [] } = body;
    if (kind === "socket") return keyReply(await needs.minting.socketKey(permit, { ...heldOf(body), attributes }));
    if (attributes.length > 0) {
      const fault = {
        path: "attributes",
        message: "left out: only the frames of a socket have numbers in place of names",
      };
      throw new Refusal("request.malformed", { faults: [fault] });
    }
    return keyReply(await needs.minting.deviceKey(permit, kind, heldOf(body)));
  }),
  on(routes.listCredentials, async ({ permit, query }) => {
    const { items, nextCursor } = await readCredentials(needs, permit, query);
    return { items: items.map(credentialReply), ...(nextCursor && { nextCursor }) };
  }),
  on(routes.readCredential, async ({ permit, params }) => {
    const shown = await readCredential(needs, permit, credentialId(params["credential"]));
    const use = await readUse(needs, permit, shown.credential);
    const lastUsedAt = use?.at ?? shown.credential.lastUsedAt;
    const now = { ...shown, credential: { ...shown.credential, lastUsedAt } };
    return { ...credentialReply(now), ...useReply(shown.credential, use, needs.clock.now()) };
  }),
  on(routes.rotateCredential, async ({ permit, params, body }) => {
    const id = credentialId(params["credential"]);
    const { secret, formerEndsAt } = await needs.rotation.rotate(permit, id, body.overlap);
    return { id, secret, ...(formerEndsAt !== undefined && { formerEndsAt: rfc3339(formerEndsAt) }) };
  }),
  on(routes.reportLeak, async ({ body }) => {
    // Whatever it finds takes a moment, and everybody waits as long.
    const { promise: moment, resolve } = Promise.withResolvers<void>();
    needs.timers.after(uniformly, resolve);
    const secret = body.secret.trim();
    await Promise.all([endLeaked(needs, secret), moment]);
    return {};
  }),
  on(routes.revokeToken, async ({ body }) => {
    await needs.leaks.returned(body.token);
    return {};
  }),
  on(routes.readUpkeep, async ({ permit }) => readUpkeep(needs.storage, permit)),
  on(routes.updateUpkeep, async ({ permit, body }) => changeUpkeep(needs.storage, permit, body)),
  on(routes.previewDemands, async ({ permit, body }) =>
    previewReply(await previewDemands(needs, permit, body.demands)),
  ),
  on(routes.previewRevocationUnder, async ({ permit, query }) =>
    previewReply(await previewUnder(needs, permit, query.about, query.ends)),
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
    const { id, kind, person, application, device, dashboard, user, grants } = caller.credential;
    return {
      credential: id,
      kind,
      org: caller.org,
      // Whoever has a link to a dashboard is not told whose it is.
      ...(person && !dashboard && { person }),
      ...(application && { application }),
      ...(device && { device }),
      ...(dashboard && { dashboard }),
      ...(user && { user: user.id }),
      grants: grants.map(formatGrant),
      ...(caller.expiresAt !== undefined && { expiresAt: rfc3339(caller.expiresAt) }),
    };
  }),
  ...issuingRoutes(needs.issuing, needs.revocationLists),
  ...manufacturerRoutes(needs.manufacturers),
  ...listRoutes(needs.lists),
  ...roleRoutes(needs.roles),
  ...simulationRoutes({ ...needs, simulating: new Simulating({ ...needs, settles: needs.accounts }) }),
];

/** Whatever it is: a refresh token, what a browser's cookie holds, or else a token or a key. */
async function endLeaked({ refreshTokens, sessions, leaks }: Needs, secret: string): Promise<void> {
  const owned = await refreshTokens.owned(secret);
  if (owned) return owned.end();
  if (isSecret(secret, "session")) return sessions.reported(secret);
  return leaks.reported(secret);
}

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

const issuedReply = ({ by, serial, notAfter }: Issued) => ({ by, serial, notAfter: rfc3339(notAfter) });

const alsoOf = ({ made }: { made: "true" | "false" }): readonly "made"[] => (made === "true" ? ["made"] : []);

const mostNamed = 100;

const previewReply = ({ credentials, open, devices: { count, known } }: Preview) => ({
  credentials: { count: credentials.length, items: credentials.slice(0, mostNamed) },
  connections: { mqtt: open.mqtt, eventStreams: open.eventStream, webSockets: open.webSocket },
  devices: { count, items: known.slice(0, mostNamed) },
});

/** Milliseconds that every report of a leak takes. */
const uniformly = 250;

function useReply(credential: Credential, use: KeptUse | undefined, now: Instant) {
  if (!use) return {};
  const { since, ...worn } = wornOf(credential, use, now);
  const { address, transport, formerAt } = use;
  const { former } = credential;
  return {
    use: {
      ...worn,
      narrower: [...worn.narrower],
      since: rfc3339(since),
      ...(address !== undefined && { from: address }),
      ...(transport !== undefined && { transport }),
    },
    ...(former &&
      now < former.endsAt && {
        former: {
          endsAt: rfc3339(former.endsAt),
          ...(formerAt !== undefined &&
            credential.rotatedAt !== undefined &&
            formerAt >= credential.rotatedAt && { lastUsedAt: rfc3339(formerAt) }),
        },
      }),
  };
}

function credentialReply({ credential, standing, findings }: Shown) {
  const { id, kind, name, grants, parent, person, application, device, dashboard, user } = credential;
  const { createdAt, expiresAt, lastUsedAt } = credential;
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
    ...(dashboard && { dashboard }),
    ...(user && { user: user.id }),
    ...(credential.conditions && { conditions: credential.conditions }),
    ...(credential.publicKey && { boundTo: thumbprint(credential.publicKey) }),
    ...(credential.issued && { issued: issuedReply(credential.issued) }),
    ...(credential.enrols && { enrols: enrolsReply(credential.enrols) }),
    ...(credential.socket && {
      socket: { address: credential.digest.toHex(), attributes: [...credential.socket.attributes] },
    }),
    createdAt: rfc3339(createdAt),
    ...(expiresAt !== undefined && { expiresAt: rfc3339(expiresAt) }),
    ...(lastUsedAt !== undefined && { lastUsedAt: rfc3339(lastUsedAt) }),
    ...(credential.rotatedAt !== undefined && { rotatedAt: rfc3339(credential.rotatedAt) }),
    ...(credential.exposed && { exposed: { at: rfc3339(credential.exposed.at), where: credential.exposed.where } }),
    ...(credential.leakedAt !== undefined && { leakedAt: rfc3339(credential.leakedAt) }),
    findings: [...findings],
  };
}
