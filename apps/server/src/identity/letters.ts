import { rfc3339, type Instant } from "@holdfast/kernel";
import type { Letter } from "./letter.ts";

/** What people are told of their accounts, word for word. Each says for whom it is, and what to do if it was somebody else. */

const minute = (at: Instant): string => `${rfc3339(at).slice(0, 16).replace("T", " ")} UTC`;

type Linked = { readonly link: string; readonly until: Instant };

export const resetLetter = (email: string, { link, until }: Linked): Letter => ({
  kind: "forgotten",
  to: email,
  subject: "Choose a new password",
  lines: [
    `Somebody, most likely you, asked for a new password for the account ${email}.`,
    `The link is good once, until ${minute(until)}. When you sign in afterwards, your second factor is asked for as always.`,
    "If it was not you, do nothing: your password stays as it is.",
  ],
  link,
  until,
});

export const verificationLetter = (
  email: string,
  { link, until }: Linked,
  kind: "newAddress" | "ownAddress",
): Letter => ({
  kind,
  to: email,
  subject: "Is this your address?",
  lines: [
    `Somebody, most likely you, gave ${email} as the address of an account. Open the link to say that it is yours.`,
    `It is good once, until ${minute(until)}.`,
    "If it was not you, do nothing.",
  ],
  link,
  until,
});

export const invitationLetter = (
  email: string,
  { org, by, link, until }: Linked & { readonly org: string; readonly by: string },
): Letter => ({
  kind: "invitation",
  to: email,
  subject: `You are invited to ${named(org)}`,
  lines: [
    `${by} invites you to ${named(org)}.`,
    `The link is good once, until ${minute(until)}, for this address alone.`,
    "If you expect no invitation, do nothing.",
  ],
  link,
  until,
});

export const passwordLetter = (email: string, at: Instant, how: "changed" | "reset" | "removed"): Letter => ({
  kind: "password",
  to: email,
  subject: `Your password was ${how}`,
  lines: [
    how === "removed"
      ? `The account ${email} has no password since ${minute(at)}. You sign in with a passkey.`
      : `The account ${email} has another password since ${minute(at)}${how === "reset" ? ", by a link that was sent to you" : ""}.`,
    how === "reset"
      ? "Wherever you were signed in, you no longer are."
      : "Wherever else you were signed in, you no longer are.",
    "Keys and tokens that you made for programs are as they were.",
    "If it was not you, choose another password at once, by “Forgot your password?” where you sign in, and tell whoever runs this platform.",
  ],
});

export const addressLetter = (before: string, after: string, at: Instant): Letter => ({
  kind: "address",
  to: before,
  subject: "Your account has another address",
  lines: [
    `The account ${before} has the address ${after} since ${minute(at)}. You sign in with that one.`,
    "If it was not you, tell whoever runs this platform at once.",
  ],
});

/** A name that somebody chose, in a letter of ours: what looks like an address of the web in it is none to click on. */
const named = (name: string): string => `“${name.slice(0, 80).replaceAll(/[./:@]+/g, " ")}”`;
