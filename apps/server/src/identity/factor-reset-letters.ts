import { rfc3339, type Instant } from "@holdfast/kernel";
import type { FactorReset } from "./factor-reset.ts";
import { overBy } from "./factor-reset.ts";
import type { Letter } from "./letter.ts";
import type { Person } from "./person.ts";

const inWords = (at: Instant): string => `${rfc3339(at).slice(0, 16).replace("T", " ")} UTC`;

const shown = "codes of an authenticator app, passkeys and recovery codes";

/** To her whose factors are to go. */
export const letterTo = ({ email }: Person, { dueAt, isByAddress }: FactorReset, link: string): Letter => ({
  kind: "factorReset",
  to: email,
  subject: "Your second factors are to be removed",
  lines: [
    isByAddress
      ? `A new password was chosen for ${email} by a link that was mailed here, and nobody had proved before to read this address. Whoever made the account may be somebody else, so what it shows beside a password is to be removed: ${shown}.`
      : `The administrator of the platform was asked to remove what ${email} shows beside a password: ${shown}.`,
    `They go when you next sign in with your password after ${inWords(dueAt)}, until ${inWords(overBy(dueAt))}. You are then signed out everywhere else.`,
    "If you did not ask for this, call it off with the link below, and change your password: somebody may know it.",
  ],
  link,
});

/** To the owner of an organisation that she is a member of. */
export const letterToOwner = (
  to: string,
  org: string,
  { email }: Person,
  { dueAt, isByAddress }: FactorReset,
): Letter => ({
  kind: "memberReset",
  to,
  subject: `The second factors of a member of ${org} are to be removed`,
  lines: [
    `${isByAddress ? "Somebody has proved for the first time to read the address, by choosing a password by mail. So the platform is to remove" : "The administrator of the platform was asked to remove"} what ${email}, a member of ${org}, shows beside a password. It goes when she next signs in with her password after ${inWords(dueAt)}.`,
    "If this surprises you, ask her by another way. She or the administrator of the platform can call it off until then; you can suspend her in your organisation, or remove her from it.",
  ],
});

export const letterOfEnd = ({ email }: Person): Letter => ({
  kind: "factor",
  to: email,
  subject: "Your second factors were removed",
  lines: [
    `Somebody signed in as ${email} with the password, and the codes, passkeys and recovery codes of the account are gone, as was announced. Every other session has ended.`,
    "Add a passkey or an authenticator app again. If this was not you, reset your password at once.",
  ],
});
