import { spawnSync } from "node:child_process";
import { Refusal } from "@holdfast/kernel";

/** A user of this machine, by number: it needs no entry in /etc/passwd. */
export type User = { readonly uid: number; readonly gid: number };

export const isRoot = (): boolean => process.getuid?.() === 0;

/** What is wanted with a path: `change` is to make, replace and remove files in a folder, `enter` to reach what is in it. */
export type Wish = { readonly path: string; readonly to: "change" | "enter" | "read" };

const tests = {
  change: (it: string) => `test -w ${it} -a -x ${it}`,
  enter: (it: string) => `test -x ${it}`,
  read: (it: string) => `test -r ${it}`,
} as const;

/**
 * The first of these that this user may not have. Found by trying, as root: access lists and the folders above count too. The first of all on a system
 * where nobody can become this user, as in a container that has no other.
 */
export function closedTo({ uid, gid }: User, wishes: readonly Wish[]): string | undefined {
  const paths = wishes.map(({ path }) => path);
  const script = wishes.map(({ to }, at) => `${tests[to](`"$${at + 1}"`)} || exit ${at + 1}`);
  // libuv drops the supplementary groups when it becomes another user.
  const options = { uid, gid, cwd: "/", env: {}, stdio: "ignore" } as const;
  const { status, error } = spawnSync("/bin/sh", ["-c", script.join("\n"), "sh", ...paths], options);
  if (error && "code" in error && (error.code === "EINVAL" || error.code === "EPERM")) return paths[0];
  if (error) throw error;
  return status === 0 ? undefined : paths[(status ?? 1) - 1];
}

type Needs = {
  /** Whom the platform can become; `undefined` when nobody but root reaches its database. */
  readonly user: User | undefined;
  /** What it goes on needing. */
  readonly places: readonly Wish[];
  /** What it reads again later: the operator's own certificate. */
  readonly files: readonly string[];
  readonly allowRoot: boolean;
  readonly info: (message: string) => void;
  readonly warn: (message: string) => void;
};

/**
 * Once ports and keys are open the platform needs root no more, and becomes an ordinary user for good. Where that cannot be it stays root if it is allowed
 * to, and says so. Answers whom it became. @throws Refusal `folder.closed`
 */
export function leaveRoot({ user, places, files, allowRoot, info, warn }: Needs): User | undefined {
  if (!isRoot()) return undefined;
  const closed = user && closedTo(user, places);
  if (!user || closed !== undefined) {
    const because = `no other user can work in ${closed ?? places[0]?.path}`;
    if (!allowRoot)
      throw new Refusal("folder.closed", { detail: `The platform would go on as root: ${because}. ${advice}` });
    warn(`The platform goes on as root: ${because}. ${advice}`);
    return undefined;
  }
  const unreadable = closedTo(
    user,
    files.map((path) => ({ path, to: "read" }) as const),
  );
  become(user);
  info(`Root was given up: the platform runs as user ${user.uid}.`);
  if (unreadable !== undefined) {
    warn(
      `User ${user.uid} may not read ${unreadable}, so a renewed certificate will not be taken up. Let this user read it.`,
    );
  }
  return user;
}

const advice =
  "Choose a --data in a folder that others may pass through, such as /var/lib/holdfast, or start as an ordinary user.";

function become({ uid, gid }: User): void {
  const { setgroups, setgid, setuid } = process;
  if (!setgroups || !setgid || !setuid) throw new Error("a system without users has no root either");
  // In this order: the last one takes away what the others need. Each is of all threads (credentials(7), nptl).
  setgroups([]);
  setgid(gid);
  setuid(uid);
  for (const again of [() => setuid(0), () => setgid(0)]) {
    try {
      again();
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "EPERM") continue;
      throw cause;
    }
    throw new Error("root was given up, and could be taken again");
  }
}
