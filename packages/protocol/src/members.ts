import { z } from "zod";
import { code, cursor, duration, email, id, limit, noReply, pageOf, password, role, time, welcome } from "./shapes.ts";
import { creation, made, shown } from "./passkey-shapes.ts";
import { route } from "./route.ts";

const member = z.object({
  person: id("person"),
  email: z.string(),
  role,
  /** What that is called, where it is one of the organisation's own. Platforms of before say nothing. */
  roleName: z.string().optional(),
  /** Of the instance: may also make organisations. */
  administrator: z.boolean(),
  /** What she has to show who she is, beside her password. Platforms of before say nothing. */
  factors: z.object({ totp: z.boolean(), passkey: z.boolean() }).optional(),
  /** She keeps her role, and may nothing with it. Platforms of before say nothing, and suspend nobody. */
  isSuspended: z.boolean().default(false),
});

export const listMembers = route({
  method: "GET",
  path: "/v1/members",
  summary: "The people of the organisation, the role of each, and what she has to show who she is.",
  needs: "member.read",
  on: "own",
  query: z.strictObject({ limit, cursor }),
  reply: pageOf(member),
});

export const updateMember = route({
  method: "PATCH",
  path: "/v1/members/{person}",
  summary:
    "Gives a member another role, by somebody who signed in and may do all of it and all of the one before; what she and her programs hold shrinks at once. The last owner stays one.",
  needs: "member.update",
  on: "own",
  body: z.strictObject({ role }),
  reply: member,
  isConfirmed: true,
});

export const removeMember = route({
  method: "DELETE",
  path: "/v1/members/{person}",
  summary:
    "Ends a membership, and with it what she and her programs hold and whom she invited, within a second. Nobody removes whoever holds more. The last owner stays.",
  needs: "member.remove",
  on: "own",
  reply: noReply,
  isConfirmed: true,
});

export const suspendMember = route({
  method: "POST",
  path: "/v1/members/{person}/suspend",
  summary:
    "Suspends a member, who keeps her role: within a second she is signed out here, and what she and her programs hold ends for good. Nobody suspends whoever holds more. The last owner stays.",
  needs: "member.suspend",
  on: "own",
  reply: member,
  isConfirmed: true,
});

export const resumeMember = route({
  method: "POST",
  path: "/v1/members/{person}/resume",
  summary:
    "Lets a suspended member in again, with the role that she had, by somebody who signed in and may do all of it. She signs in anew, and makes new keys.",
  needs: "member.suspend",
  on: "own",
  reply: member,
  isConfirmed: true,
});

const hour = 3_600_000;

const invitation = z.object({
  id: id("invitation"),
  email: z.string(),
  role,
  roleName: z.string().optional(),
  invitedBy: id("person"),
  createdAt: time,
  expiresAt: time,
});

export const invite = route({
  method: "POST",
  path: "/v1/invitations",
  summary:
    "Invites somebody, by a person who signed in and may do all that the role may. The link is shown this once, works once and for seven days or as long as is asked (1h to 30d), and replaces the one before to the same address. Where mail is set up, one is sent as well.",
  needs: "member.invite",
  on: "own",
  body: z.strictObject({
    email,
    role,
    expiresIn: duration
      .refine(
        (length) => length >= hour && length <= 720 * hour,
        "an invitation is open for an hour at least, and 30 days at most",
      )
      .optional(),
  }),
  /** `isMailed`: a link of its own is on its way to the address, too. Platforms of before say nothing, and mail nothing. */
  reply: invitation.extend({ link: z.string().optional(), isMailed: z.boolean().default(false) }),
  status: 201,
  location: "/v1/invitations/{id}",
  mints: "link",
  isConfirmed: true,
});

export const listInvitations = route({
  method: "GET",
  path: "/v1/invitations",
  summary: "The invitations that can still be accepted, oldest first; never their links.",
  needs: "member.invite",
  on: "own",
  query: z.strictObject({ limit, cursor }),
  reply: pageOf(invitation),
});

export const withdrawInvitation = route({
  method: "DELETE",
  path: "/v1/invitations/{invitation}",
  summary: "Withdraws an invitation: its link is worth nothing from now on.",
  needs: "member.invite",
  on: "own",
  reply: noReply,
});

const invited = z.strictObject({ secret: z.string().max(200), email });

export const invitationPasskeyOptions = route({
  method: "POST",
  path: "/v1/invitations/passkey-options",
  summary:
    "What a browser is to make a passkey with, for somebody who takes an invitation and has no account; for five minutes and one answer.",
  needs: "public",
  body: invited,
  reply: creation,
});

export const acceptInvitation = route({
  method: "POST",
  path: "/v1/invitations/accept",
  summary:
    "Takes an invitation, once: its secret, the e-mail that was invited, and a new password or a new passkey, or, when that e-mail has an account, what it signs in with: its password, with a code or a passkey beside it where it has a second factor, or a passkey alone.",
  needs: "public",
  body: invited
    .extend({
      password: password.optional(),
      code,
      passkey: shown
        .optional()
        .describe("Of the account that the e-mail has: the answer of a browser to GET /v1/sessions/passkey-options."),
      newPasskey: made
        .optional()
        .describe("In place of a password, for an e-mail without an account: the answer to passkey-options."),
    })
    .refine(({ password: chosen, passkey, newPasskey }) => chosen ?? passkey ?? newPasskey, {
      error: "a password or a passkey",
    }),
  reply: welcome,
  status: 201,
  location: "/v1/me",
});
