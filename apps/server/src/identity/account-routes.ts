import { rfc3339 } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { Account } from "./account.ts";
import type { Invitations } from "./invitations.ts";

export const accountRoutes = ({ account, invitations }: { account: Account; invitations: Invitations }): Handler[] => [
  on(routes.readAccount, async ({ session }) => {
    const { person, totpSince, recoveryCodes } = await account.read(session);
    return {
      person: { id: person.id, email: person.email },
      ...(totpSince !== undefined && { totp: { since: rfc3339(totpSince) } }),
      hasPassword: person.passwordHash !== undefined,
      recoveryCodes,
    };
  }),
  on(routes.takeInvitation, async ({ session, body }) => ({
    org: await invitations.takeAs(session.person, body.secret),
  })),
  on(routes.offerTotp, async ({ session }) => {
    const { secret, uri, offer, expiresAt } = await account.offerTotp(session);
    return { secret, uri, offer, expiresAt: rfc3339(expiresAt) };
  }),
  on(routes.addTotp, async ({ session, body }) => {
    const { codes, cookie } = await account.addTotp(session, body.offer, body.code);
    return { reply: { recoveryCodes: [...codes] }, cookie };
  }),
  on(routes.removeTotp, async ({ session }) => {
    await account.removeTotp(session);
    return {};
  }),
  on(routes.renewRecoveryCodes, async ({ session }) => ({
    recoveryCodes: [...(await account.renewCodes(session))],
  })),
];
