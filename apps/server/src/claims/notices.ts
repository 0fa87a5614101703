import { because, idFrom, isRefusal, rfc3339, type Clock, type Id, type Instant, type Report } from "@holdfast/kernel";
import { usersIn } from "../application-users/index.ts";
import { asPlatform, type Spaces } from "../authority/index.ts";
import type { Letter, Post } from "../identity/index.ts";
import { isMailAddress } from "../outbound/index.ts";
import { applicationNameIn, deviceNamesIn } from "../registry/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import { noticesIn, type Waiting } from "./notice-rows.ts";

/** What happens to whose device is whose; each of them is counted by itself, so that who causes one uses up none of the others. */
export type Happening =
  | { readonly kind: "deviceContested"; readonly dueAt: Instant }
  | { readonly kind: "deviceOffered"; readonly expiresAt: Instant }
  | { readonly kind: "deviceGone" };

/** What the owner of a device, or whoever was it, is to be told. */
export type Notice = {
  readonly device: Id<"device">;
  readonly owner: Id<"user">;
  readonly application: Id<"application">;
  readonly happening: Happening;
};

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly post: Pick<Post, "send" | "by">;
  readonly clock: Clock;
  readonly report: Report;
};

const minutes = 60_000; // milliseconds
const again = 10 * minutes;
const lifetime = 3 * 24 * 60 * minutes; // as long as a letter waits
const atOnce = 50;

/**
 * Letters to owners of devices. What they are about is written down with the change itself, and handed to the mail from here: once at least, over
 * a crash too. Where an address had enough letters lately it waits for its turn.
 */
export class Notices {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Called again and again. Where one organisation's fail, others' are sent. */
  async round(): Promise<void> {
    const { storage, clock, report } = this.#needs;
    for (const row of await storage.maintain.call<{ org: string }>("orgs_with_claim_notices", [clock.now()])) {
      const org = idFrom("org", row.org);
      try {
        await this.#tell(org);
      } catch (error) {
        // It was erased meanwhile.
        if (isRefusal(error, "org.unknown")) continue;
        report("Owners of devices could not be written to. It is tried again.", { ...because(error), org });
      }
    }
  }

  async #tell(org: Id<"org">): Promise<void> {
    const { storage, spaces, post, clock, report } = this.#needs;
    const it = asPlatform((await spaces.of(org)).scope);
    const due = await storage.read(it, async (unit) => {
      const found: { readonly waiting: Waiting; readonly letter: Letter | undefined }[] = [];
      for (const waiting of await noticesIn(unit).due(atOnce))
        found.push({ waiting, letter: waiting.notice && (await letterIn(unit, waiting.notice, waiting.createdAt)) });
      return found;
    });
    for (const { waiting, letter } of due) {
      const { id, createdAt, notice } = waiting;
      const isPast = clock.now() >= createdAt + lifetime;
      // It stops no other, and is dropped at the end of its time.
      if (!notice)
        report("Somebody has altered what the owner of a device is to be told; she is not told it.", {
          org,
          notice: id,
        });
      const isDone = isPast || (notice && (!letter || post.by === "file" || (await post.send(letter))));
      await storage.note(it, (unit) =>
        isDone ? noticesIn(unit).done(id) : noticesIn(unit).again(id, unit.at + again),
      );
    }
  }
}

/** Nothing where what she signs in with is no address. */
async function letterIn(unit: Unit, notice: Notice, since: Instant): Promise<Letter | undefined> {
  const { owner, application, happening } = notice;
  const user = await usersIn(unit).find(owner, application);
  if (!user || !isMailAddress(user.login)) return undefined;
  const device = named((await deviceNamesIn(unit, [notice.device])).get(notice.device) ?? notice.device);
  const at = named((await applicationNameIn(unit, application)) ?? application);
  return { kind: happening.kind, to: user.login, ...wordsOf(happening, { device, at, since }) };
}

function wordsOf(
  happening: Happening,
  { device, at, since }: { device: string; at: string; since: Instant },
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
          `Somebody else has your device ${device} in ${at} since ${minute(since)}: by a code that was made as you, or by the code on its box, to which nobody objected.`,
          "What it measured until then stays yours to read. Whatever it measures from now on, you do not see.",
          `If you did not want this, tell whoever runs ${at}.`,
        ],
      };
  }
}

const minute = (at: Instant): string => `${rfc3339(at).slice(0, 16).replace("T", " ")} UTC`;

/** A name that somebody chose: what looks like an address of the web in it is none to click on. */
const named = (name: string): string => `“${name.slice(0, 80).replaceAll(/[./:@]+/g, " ")}”`;
