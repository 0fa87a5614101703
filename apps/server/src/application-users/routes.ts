import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import { ownListRoutes } from "./own-list-routes.ts";
import type { OwnLists } from "./own-lists.ts";
import type { Passkeys } from "./passkeys.ts";
import { passkeyRoutes } from "./passkey-routes.ts";
import type { PasskeySignIns } from "./passkey-sign-in.ts";
import { codeReply, sessionIn, sessionsReply, signedInReply, userIn, userReply } from "./replies.ts";
import type { SignIns } from "./sign-in.ts";
import type { Users } from "./users.ts";

type Verbs = {
  readonly users: Users;
  readonly signIns: SignIns;
  readonly lists: OwnLists;
  readonly passkeys: Passkeys;
  readonly passkeySignIns: PasskeySignIns;
};

export const applicationUserRoutes = ({ users, signIns, lists, ...passkeys }: Verbs): Handler[] => [
  on(routes.signUpUser, async ({ caller, body }) => {
    await signIns.signUp(caller, body);
    return {};
  }),
  on(routes.signInUser, async ({ caller, body, address, boundTo }) =>
    signedInReply(await signIns.signIn(caller, body, { address, boundTo })),
  ),
  on(routes.setUserPassword, async ({ caller, body, address }) => {
    await signIns.setPassword(caller, body, { address });
    return {};
  }),
  on(routes.refreshUser, async ({ caller, body, boundTo }) =>
    signedInReply(await signIns.refresh(caller, body.refreshToken, { boundTo })),
  ),
  on(routes.signOutUser, async ({ caller, body }) => {
    await signIns.signOut(caller, body.refreshToken);
    return {};
  }),
  on(routes.readOwnUser, async ({ caller }) => userReply(await users.self(caller))),
  on(routes.removeOwnUser, async ({ caller }) => {
    await users.removeSelf(caller);
    return {};
  }),
  on(routes.listOwnUserSessions, async ({ caller }) =>
    sessionsReply(await users.ownSessions(caller), caller.credential.user?.session),
  ),
  on(routes.endOwnUserSession, async ({ caller, params }) => {
    await users.endOwnSession(caller, sessionIn(params));
    return {};
  }),
  on(routes.endOtherUserSessions, async ({ caller }) => {
    await users.endOtherSessions(caller);
    return {};
  }),

  on(routes.listUsers, async ({ permit, query }) => {
    const { items, nextCursor } = await users.list(permit, query);
    return { items: items.map(userReply), ...(nextCursor !== undefined && { nextCursor }) };
  }),
  on(routes.createUser, async ({ permit, body }) => {
    const { user, shown } = await users.invite(permit, body.login);
    return { ...userReply(user), ...codeReply(shown) };
  }),
  on(routes.readUser, async ({ permit, params }) => userReply(await users.read(permit, userIn(params)))),
  on(routes.suspendUser, async ({ permit, params }) => userReply(await users.suspend(permit, userIn(params)))),
  on(routes.activateUser, async ({ permit, params }) => userReply(await users.activate(permit, userIn(params)))),
  on(routes.removeUser, async ({ permit, params }) => {
    await users.remove(permit, userIn(params));
    return {};
  }),
  on(routes.resetUser, async ({ permit, params }) => codeReply(await users.reset(permit, userIn(params)))),
  on(routes.listUserSessions, async ({ permit, params }) =>
    sessionsReply(await users.sessions(permit, userIn(params))),
  ),
  on(routes.endUserSession, async ({ permit, params }) => {
    await users.endSession(permit, userIn(params), sessionIn(params));
    return {};
  }),
  on(routes.endUserSessions, async ({ permit, params }) => {
    await users.endSessions(permit, userIn(params));
    return {};
  }),

  ...ownListRoutes(lists),
  ...passkeyRoutes(passkeys),
];
