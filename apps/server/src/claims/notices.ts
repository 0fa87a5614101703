import { rfc3339, type Id, type Instant } from "@holdfast/kernel";
import { usersIn } from "../application-users/index.ts";
import type { Letter } from "../identity/index.ts";
import { isMailAddress } from "../outbound/index.ts";
import { applicationNameIn, deviceNamesIn } from "../registry/index.ts";
import type { Unit } from "../storage/index.ts";

/** What happens to whose device is whose; each of them is counted by itself, so that who causes one uses up none of the others. */
export type Happening =
  | { readonly kind: "deviceContested"; readonly dueAt: Instant }
  | { readonly kind: "deviceOffered"; readonly expiresAt: Instant }
  | { readonly kind: "deviceGone" };

type Of = {
  readonly device: Id<"device">;
  readonly owner: Id<"user">;
  readonly application: Id<"application">;
};

/** What the owner of a device is told by mail; nothing where what she signs in with is no address. */
export async function noticeIn(unit: Unit, of: Of, happening: Happening): Promise<Letter | undefined> {
  const user = await usersIn(unit).find(of.owner, of.application);
  if (!user || !isMailAddress(user.login)) return undefined;
  const device = named((await deviceNamesIn(unit, [of.device])).get(of.device) ?? of.device);
  const at = named((await applicationNameIn(unit, of.application)) ?? of.application);
  return { kind: happening.kind, to: user.login, ...wordsOf(happening, { device, at, now: unit.at }) };
}

function wordsOf(
  happening: Happening,
  { device, at, now }: { device: string; at: string; now: Instant },
): Pick<Letter, "subject" | "lines"> {
  switch (happening.kind) {
    case "deviceContested":
      return {
        subject: `Somebody claims your device ${device}`,
        lines: [
          `Somebody who has the code on the box of your device ${device} in ${at} asks to have it.`,
          `If you do nothing, they can take it after ${minute(happening.dueAt)}, and you no longer have it from then on.`,
          `If it is to stay yours, open ${at} and object there: the code on the box is then worth nothing any more.`,
        ],
      };
    case "deviceOffered":
      return {
        subject: `Your device ${device} is given on`,
        lines: [
          `You, or somebody who is signed in as you, made a code that gives your device ${device} in ${at} to somebody else.`,
          `It is good once, until ${minute(happening.expiresAt)}. Until it is used, the device stays yours.`,
          `If it was not you, open ${at}, take the code back there, sign out everywhere and choose another password.`,
        ],
      };
    case "deviceGone":
      return {
        subject: `Your device ${device} is somebody else's`,
        lines: [
          `Somebody else has your device ${device} in ${at} since ${minute(now)}: by a code that was made as you, or by the code on its box, to which nobody objected.`,
          "What it measured until then stays yours to read. Whatever it measures from now on, you do not see.",
          `If you did not want this, tell whoever runs ${at}.`,
        ],
      };
  }
}

const minute = (at: Instant): string => `${rfc3339(at).slice(0, 16).replace("T", " ")} UTC`;

/** A name that somebody chose: what looks like an address of the web in it is none to click on. */
const named = (name: string): string => `“${name.slice(0, 80).replaceAll(/[./:@]+/g, " ")}”`;
