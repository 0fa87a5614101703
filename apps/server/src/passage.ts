import { chmodSync, chownSync, statSync } from "node:fs";
import path from "node:path";
import { isOthers } from "./folders.ts";
import { closedTo, type User } from "./root.ts";
import { privateUid } from "./storage/index.ts";

type Step = { readonly at: string; readonly uid: number; readonly gid: number; readonly mode: number };

/**
 * Lets the user that root becomes through to these folders, and nobody else. A folder above that is root's alone, such as /root, gets that user's own group,
 * with the right to pass and no other; one that others share is left as it is, and then nothing is changed. Answers the folder that stays closed.
 */
export function letThrough(
  user: User,
  folders: readonly string[],
  report: (message: string) => void,
): string | undefined {
  const steps = [...new Set(folders.flatMap(wayTo))].map(step);
  const last = steps.map(({ at }) => ({ path: at, to: "enter" }) as const);
  if (steps.length === 0 || closedTo(user, last) === undefined) return undefined;
  const closed = steps.filter((one) => !passes(user, one));
  const obstacle = closed.find((one) => !isRootsAlone(one) || user.uid !== privateUid || user.gid !== privateUid);
  if (obstacle) return obstacle.at;
  for (const { at, mode } of closed) {
    chownSync(at, 0, user.gid);
    chmodSync(at, (mode & 0o700) | 0o010);
  }
  const still = closedTo(user, last); // access lists, a file system that keeps no owners
  if (still !== undefined) {
    for (const { at, gid, mode } of closed) {
      chownSync(at, 0, gid);
      chmodSync(at, mode);
    }
    return still;
  }
  for (const { at, mode } of closed) {
    const now = ((mode & 0o700) | 0o010).toString(8);
    report(
      `User ${user.uid}, whom the platform becomes, may pass through ${at} from now on: its group is ${user.gid} and its permissions are ${now}; ` +
        `they were 0 and ${mode.toString(8).padStart(3, "0")}.`,
    );
  }
  return undefined;
}

/** Who has it and who may what, for a sentence about it. */
export function permissionsOf(folder: string): string {
  const { uid, gid, mode } = step(folder);
  return `of user ${uid} and group ${gid}, permissions ${mode.toString(8).padStart(3, "0")}`;
}

/** The folders that there are above this one, from the outermost; and itself, when it is not ours to give away. */
function wayTo(folder: string): string[] {
  const above = path.dirname(folder);
  const here = statSync(folder, { throwIfNoEntry: false }) && isOthers(folder) ? [folder] : [];
  if (above === folder) return [folder];
  return statSync(above, { throwIfNoEntry: false }) ? [...ancestors(above), ...here] : wayTo(above);
}

const ancestors = (folder: string): string[] => {
  const above = path.dirname(folder);
  return above === folder ? [folder] : [...ancestors(above), folder];
};

function step(at: string): Step {
  const { uid, gid, mode } = statSync(at);
  return { at, uid, gid, mode: mode & 0o7777 };
}

function passes(user: User, { uid, gid, mode }: Step): boolean {
  if (uid === user.uid) return (mode & 0o100) !== 0;
  return (mode & (gid === user.gid ? 0o010 : 0o001)) !== 0;
}

/** Nobody loses anything when its group becomes another: only root's own had rights, and none to write. */
const isRootsAlone = ({ uid, gid, mode }: Step): boolean => uid === 0 && gid === 0 && (mode & 0o7027) === 0;
