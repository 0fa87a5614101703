import { rfc3339 } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { OwnEmails } from "./own-email.ts";
import type { OwnPasswords } from "./own-password.ts";

type Needs = { readonly ownPasswords: OwnPasswords; readonly ownEmails: OwnEmails };

/** A person's password and address. */
export const ownPasswordRoutes = ({ ownPasswords, ownEmails }: Needs): Handler[] => [
  on(routes.changePassword, async ({ session, body, visit }) => {
    await ownPasswords.change(session, body, visit);
    return {};
  }),
  on(routes.removePassword, async ({ session }) => {
    await ownPasswords.remove(session);
    return {};
  }),
  on(routes.forgotPassword, async ({ body, visit }) => ({ by: await ownPasswords.forgot(body.email, visit) })),
  on(routes.resetPassword, async ({ body }) => {
    await ownPasswords.reset(body);
    return {};
  }),
  on(routes.readEmail, async ({ session }) => {
    const { person, by } = await ownEmails.read(session);
    return {
      email: person.email,
      ...(person.verifiedAt !== undefined && { verifiedAt: rfc3339(person.verifiedAt) }),
      by,
    };
  }),
  on(routes.askVerification, async ({ session }) => {
    await ownEmails.ask(session);
    return {};
  }),
  on(routes.changeEmail, async ({ session, body }) => ({ by: await ownEmails.change(session, body.email) })),
  on(routes.verifyEmail, async ({ body }) => ({ email: (await ownEmails.verify(body.secret)).email })),
];
