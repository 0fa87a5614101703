import { rfc3339, type Instant } from "@holdfast/kernel";
import type { Letter } from "./letter.ts";

const minute = (at: Instant): string => `${rfc3339(at).slice(0, 16).replace("T", " ")} UTC`;

const otherwise =
  "If it was not you, remove what you do not know from your account at once, and choose another password.";

/** What somebody is told of her passkeys, whoever it was that did it. */
export const addedLetter = (to: string, name: string, at: Instant): Letter => ({
  kind: "factor",
  to,
  subject: "A passkey was added to your account",
  lines: [
    `The account ${to} has another passkey since ${minute(at)}, called “${name}”. Whoever has it signs in with it alone.`,
    otherwise,
  ],
});

export const removedLetter = (to: string, name: string, at: Instant): Letter => ({
  kind: "factor",
  to,
  subject: "A passkey was removed from your account",
  lines: [
    `The passkey “${name}” of the account ${to} is worth nothing since ${minute(at)}. Wherever else you were signed in, you no longer are.`,
    otherwise,
  ],
});

export const copiedLetter = (to: string, name: string, at: Instant): Letter => ({
  kind: "factor",
  to,
  subject: "A passkey of your account was copied",
  lines: [
    `At ${minute(at)} the passkey “${name}” of the account ${to} counted backwards, as a copy does. Nobody knows which of the two is the thief's: it is worth nothing from now on, and every session has ended.`,
    "Sign in another way and remove it. A device that gave a copy of it away may have given away others.",
  ],
});
