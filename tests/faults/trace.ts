import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";

/** One system call: which process, what on, when it was entered and when it answered, in seconds. */
export type Call = {
  readonly pid: number;
  readonly name: string;
  readonly text: string;
  readonly result: string;
  readonly entered: number;
  readonly answered: number;
};

/** Why there is no trace to be had on this machine, in a sentence. */
export function untraceable(): string | undefined {
  if (process.platform !== "linux") return "system calls are traced on Linux";
  const { error, status, stderr } = spawnSync("strace", ["-o", "/dev/null", "true"], { encoding: "utf8" });
  if (error) return "strace is not installed here";
  return status === 0 ? undefined : `strace may not trace here: ${stderr.trim().split("\n")[0]}`;
}

/** Traces these processes, with all their threads, while `work` is done. */
export async function traced(
  pids: readonly number[],
  calls: readonly string[],
  file: string,
  work: () => Promise<void>,
): Promise<readonly Call[]> {
  const processes = pids.flatMap((pid) => ["-p", String(pid)]);
  // -yy: what a file descriptor is; -ttt: seconds since 1970 with six decimals; -T: how long it took.
  const strace = spawn(
    "strace",
    ["-f", "-q", "-yy", "-ttt", "-T", "-s", "0", "-e", `trace=${calls.join(",")}`, "-o", file, ...processes],
    {
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const ended = once(strace, "exit");
  let said = "";
  strace.stderr.on("data", (bytes: Buffer) => (said += bytes.toString()));
  // The kernel says who is traced.
  const isTraced = (pid: number) => !/^TracerPid:\t0$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  while (!pids.every(isTraced)) {
    if (strace.exitCode !== null) throw new Error(`strace ended: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  try {
    await work();
  } finally {
    strace.kill("SIGINT");
    await ended;
  }
  return existsSync(file) ? parse(readFileSync(file, "utf8")) : [];
}

/**
 * `PID TIME name(…) = 0 <SECONDS>`, or in two lines where another process came between: `PID TIME name(… <unfinished ...>` and
 * `PID TIME <... name resumed>…) = 0 <SECONDS>`.
 */
function parse(text: string): readonly Call[] {
  const open = new Map<string, { text: string; entered: number }>();
  const calls: Call[] = [];
  for (const line of text.split("\n")) {
    const [, process = "", time = "", rest = ""] = /^(\d+)\s+(\d+\.\d+) (.*)$/.exec(line) ?? [];
    if (rest.endsWith("<unfinished ...>")) {
      open.set(process, { text: rest, entered: Number(time) });
      continue;
    }
    const [ending = "", took = ""] = / = \S+.* <(\d+\.\d+)>$/.exec(rest) ?? [];
    if (ending === "") continue; // a signal, or a process that ended
    const begun = rest.startsWith("<... ") ? open.get(process) : { text: rest, entered: Number(time) };
    if (!begun) continue; // it was entered before the trace began
    const { entered } = begun;
    const name = /^\w+/.exec(begun.text)?.[0] ?? "";
    const result = / = (\S+)/.exec(ending)?.[1] ?? "";
    calls.push({ pid: Number(process), name, text: begun.text, result, entered, answered: entered + Number(took) });
  }
  return calls;
}
