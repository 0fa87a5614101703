import { parseId, rfc3339, sentenceOf, type Id } from "@holdfast/kernel";
import { formatGrant, parseGrants, routes } from "@holdfast/protocol";
import type { z } from "zod";
import { nameOf, on, type Handler, type Space } from "../authority/index.ts";
import { accountRoutes } from "./account-routes.ts";
import { activationRoutes } from "./activation-routes.ts";
import type { Browsers, SignedIn } from "./browsers.ts";
import type { Confirming } from "./confirming.ts";
import type { Ending } from "./ending.ts";
import { factorResetRoutes } from "./factor-reset-routes.ts";
import type { Identity } from "./identity.ts";
import type { Invitation } from "./invitation.ts";
import type { Invitations } from "./invitations.ts";
import type { Members, Shown } from "./members.ts";
import type { Organisation, Organisations } from "./organisation.ts";
import { ownPasswordRoutes } from "./own-password-routes.ts";
import { passkeyRoutes } from "./passkey-routes.ts";
import type { SessionLists } from "./session-lists.ts";
import type { Again, Shown as ToSignIn } from "./proving.ts";
import { sessionRoutes } from "./session-routes.ts";
import type { Welcome } from "./welcome.ts";

export const identityRoutes = ({
  identity,
  browsers,
  organisations,
  members,
  invitations,
  ending,
  confirming,
  sessionLists,
  ...more
}: {
  identity: Identity;
  browsers: Browsers;
  organisations: Organisations;
  members: Members;
  invitations: Invitations;
  ending: Ending;
  confirming: Confirming;
  sessionLists: SessionLists;
} & Parameters<typeof accountRoutes>[0] &
  Parameters<typeof activationRoutes>[0] &
  Parameters<typeof passkeyRoutes>[0] &
  Parameters<typeof ownPasswordRoutes>[0] &
  Parameters<typeof factorResetRoutes>[0]): Handler[] => [
  on(routes.readSetUp, async () => identity.offers),
  on(routes.setUp, async ({ body }) => {
    const welcome = await identity.setUp(body);
    return { ...welcomeReply(welcome), ...(welcome.fleet && { fleet: welcome.fleet }) };
  }),
  on(routes.signIn, async ({ body, visit }) =>
    welcomeReply(
      await identity.signIn(
        {
          email: body.email,
          password: body.password,
          code: body.code,
          org: body.org,
          name: body.name,
          grants: body.grants && parseGrants(body.grants),
          lifetime: body.expiresIn,
        },
        visit,
      ),
    ),
  ),
  on(routes.createSession, async ({ body, visit }) => {
    const { signedIn, ...cookies } = await browsers.signIn(shownIn(body), visit);
    return { reply: signedInReply(signedIn), ...cookies };
  }),
  on(routes.confirmIdentity, async ({ session, body, visit }) => {
    const { until, cookie } = await browsers.confirm(session, againIn(body), visit);
    return { reply: { confirmedUntil: rfc3339(until) }, cookie };
  }),
  on(routes.readSession, async ({ session }) => signedInReply(await browsers.read(session))),
  on(routes.deleteSession, async ({ session }) => {
    await browsers.signOut(session);
    return { signOutAt: session.by?.signOutAt };
  }),
  on(routes.createOrg, async ({ permit, body }) => {
    const { org, token, expiresAt } = await identity.createOrg(permit, body.name);
    return { org, token, expiresAt: rfc3339(expiresAt) };
  }),
  on(routes.readOrg, async ({ permit }) => orgReply(await organisations.read(permit))),
  on(routes.updateOrg, async ({ permit, body }) => orgReply(await organisations.change(permit, body))),
  on(routes.deleteOrg, async ({ permit, body }) => orgReply(await ending.begin(permit, body.name))),
  on(routes.confirmOrg, async ({ permit }) => orgReply(await confirming.confirm(permit))),
  on(routes.keepOrg, async ({ permit }) => orgReply(await ending.callOff(permit))),
  on(routes.leaveOrg, async ({ caller }) => {
    await members.leaveBy(caller);
    return {};
  }),
  on(routes.leaveOrganisation, async ({ session, params }) => {
    await members.leaveIn(session, parseId("org", params["org"] ?? ""));
    return {};
  }),
  on(routes.listMembers, async ({ permit, query }) => {
    const { items, nextCursor } = await members.list(permit, query);
    return { items: items.map(memberReply), ...(nextCursor && { nextCursor }) };
  }),
  on(routes.updateMember, async ({ permit, params, body }) =>
    memberReply(await members.changeRole(permit, personIn(params), body.role)),
  ),
  on(routes.suspendMember, async ({ permit, params }) => memberReply(await members.suspend(permit, personIn(params)))),
  on(routes.resumeMember, async ({ permit, params }) => memberReply(await members.resume(permit, personIn(params)))),
  on(routes.removeMember, async ({ permit, params }) => {
    await members.remove(permit, personIn(params));
    return {};
  }),
  on(routes.invite, async ({ permit, caller, body }) => {
    const invitation = await invitations.invite(permit, body);
    const { link, isMailed } = invitation;
    return { ...invitationReply(invitation, caller.space), link, isMailed };
  }),
  on(routes.listInvitations, async ({ permit, caller, query }) => {
    const { items, nextCursor } = await invitations.list(permit, query);
    return { items: items.map((one) => invitationReply(one, caller.space)), ...(nextCursor && { nextCursor }) };
  }),
  on(routes.withdrawInvitation, async ({ permit, params }) => {
    await invitations.withdraw(permit, parseId("invitation", params["invitation"] ?? ""));
    return {};
  }),
  on(routes.invitationPasskeyOptions, async ({ body, visit }) => invitations.passkeyOptions(body, visit)),
  on(routes.acceptInvitation, async ({ body, visit }) => {
    const { secret, email, newPasskey, ...shown } = body;
    const coming = newPasskey ? { newPasskey } : shownIn({ ...shown, email });
    return welcomeReply(await invitations.accept({ secret, email, coming }, visit));
  }),
  ...accountRoutes({ ...more, invitations }),
  ...activationRoutes(more),
  ...passkeyRoutes(more),
  ...factorResetRoutes(more),
  ...ownPasswordRoutes(more),
  ...sessionRoutes(sessionLists),
];

type Said = Partial<z.infer<typeof routes.createSession.body>>;

/** Its shape says that e-mail and password stand there, or a passkey. */
function shownIn(said: Said): ToSignIn {
  const shown = againIn(said);
  if (shown.password === undefined) return shown;
  if (said.email === undefined) throw new Error("a password is somebody's");
  return { ...shown, email: said.email };
}

function againIn({ password, code, passkey }: Said): Again {
  if (password !== undefined) return { password, code, passkey };
  if (passkey) return { passkey };
  throw new Error("whoever proves who she is shows something");
}

const personIn = (params: Readonly<Record<string, string>>): Id<"person"> => parseId("person", params["person"] ?? "");

const memberReply = ({ person, email, role, roleName, administrator, factors, isSuspended }: Shown) => ({
  person,
  email,
  role,
  roleName,
  administrator,
  factors,
  isSuspended: isSuspended === true,
});

const invitationReply = ({ id, email, role, invitedBy, createdAt, expiresAt }: Invitation, { roles }: Space) => ({
  id,
  email,
  role,
  roleName: nameOf(role, roles),
  invitedBy,
  createdAt: rfc3339(createdAt),
  expiresAt: rfc3339(expiresAt),
});

const signedInReply = ({ person, session, expiresAt: end, orgs }: SignedIn) => ({
  person: { id: person.id, email: person.email },
  expiresAt: rfc3339(end),
  ...(session.by && { provider: session.by.provider }),
  orgs: orgs.map(({ org, role, grants, expiresAt, lacksFrom, refused }) => ({
    id: org.id,
    name: org.name,
    role,
    grants: grants.map(formatGrant),
    isSimulated: org.isSimulated === true,
    ...(org.demands?.people?.factor && { factor: org.demands.people.factor }),
    ...(org.demands?.people?.factorFrom && { factorFrom: org.demands.people.factorFrom }),
    ...(expiresAt !== undefined && { expiresAt: rfc3339(expiresAt) }),
    ...(lacksFrom !== undefined && { lacksFrom: rfc3339(lacksFrom) }),
    ...(org.ending && { endsAt: rfc3339(org.ending.at) }),
    ...(org.isSuspended && { isSuspended: true as const }),
    ...(org.unconfirmedSince !== undefined && { unconfirmedSince: rfc3339(org.unconfirmedSince) }),
    ...(refused && { refused: { code: refused, because: sentenceOf(refused) } }),
  })),
});

const welcomeReply = ({ org, person, token, expiresAt }: Welcome) => ({
  org,
  person,
  token,
  expiresAt: rfc3339(expiresAt),
});

const orgReply = ({
  id,
  name,
  createdAt,
  isSimulated,
  demands = {},
  isSuspended,
  ending,
  unconfirmedSince,
}: Organisation) => ({
  id,
  name,
  createdAt: rfc3339(createdAt),
  isSimulated: isSimulated === true,
  demands,
  isSuspended: isSuspended === true,
  ...(ending && { endsAt: rfc3339(ending.at) }),
  ...(unconfirmedSince !== undefined && { unconfirmedSince: rfc3339(unconfirmedSince) }),
});
