import { readFileSync } from "node:fs";
import { Refusal } from "@holdfast/kernel";

/** With fewer the platform does not start: it needs some hundred for itself, and one for each connection. */
export const fewestFiles = 1_024;

/** With fewer it starts, and says for how many connections that is enough. */
const comfortableFiles = 8_192;

/** What the platform keeps open for itself: listeners, database connections, the keyring, Node's own. */
const own = 124;

/**
 * How many files this process may have open, connections among them; `undefined` when nothing limits it. The hard limit counts: Node raises
 * its soft limit to that as it starts (node.cc, PlatformInit).
 */
export function openFilesAllowed(): number | undefined {
  const limit = fromProc() ?? fromReport();
  return limit === undefined || Number.isNaN(limit) ? undefined : limit; // "unlimited" is no number
}

/** Answers a sentence when there are enough to start, but not many. @throws Refusal `files.tooFew` */
export function checkOpenFiles(allowed = openFilesAllowed()): string | undefined {
  if (allowed === undefined || allowed >= comfortableFiles) return undefined;
  if (allowed >= fewestFiles) {
    return `The system allows ${grouped(allowed)} open files: enough for ${grouped(allowed - own)} connections. ulimit -n 65536 allows more.`;
  }
  const detail =
    `It allows ${grouped(allowed)}, and Holdfast needs ${grouped(fewestFiles)} or more, one for each connection. Where ulimit refuses, ` +
    "root can raise the limit (LimitNOFILE= of systemd, nofile in /etc/security/limits.conf).";
  throw new Refusal("files.tooFew", { detail });
}

// proc_pid_limits(5): name, soft limit, hard limit, unit, in columns.
const openFiles = /^Max open files +(\S+)/m;

function fromProc(): number | undefined {
  try {
    const [, soft] = openFiles.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined; // no Linux
  }
}

/** Where there is no /proc, such as on macOS. Slower: it gathers much else. */
function fromReport(): number | undefined {
  const report: unknown = process.report.getReport();
  const soft: unknown = ["userLimits", "open_files", "soft"].reduce(
    (value: unknown, name) => (typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined),
    report,
  );
  return soft === undefined ? undefined : Number(soft);
}

const grouped = (value: number): string => value.toLocaleString("en");
