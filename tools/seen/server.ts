import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/** What the ready file of a platform says. */
export type Ready = {
  readonly url: string;
  readonly mqttsUrl: string;
  readonly caFile: string;
  readonly setupLink: string;
};

export type Started = { readonly ready: Ready; stop(): Promise<void> };

/** A command that starts a platform, which must be ready in time. It ends with this program, whatever happens to that. */
export async function started(
  command: readonly [program: string, ...args: string[]],
  { cwd, readyFile, seconds }: { readonly cwd: string; readonly readyFile: string; readonly seconds: number },
): Promise<Started> {
  const [program, ...args] = command;
  const child = spawn(program, [...args, "--ready-file", readyFile], { cwd, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said = `${said}${text.toString()}`.slice(-4_000)));
  const kill = () => child.kill("SIGTERM");
  process.once("exit", kill);
  const ended = once(child, "close");
  const patience = performance.now() + seconds * 1_000;
  while (!existsSync(readyFile)) {
    if (child.exitCode !== null) throw new Error(`The platform ended at once:\n${said}`);
    if (performance.now() > patience) {
      kill();
      throw new Error(`The platform was not ready after ${seconds} s:\n${said}`);
    }
    await wait(20);
  }
  return {
    ready: JSON.parse(readFileSync(readyFile, "utf8")) as Ready, // it wrote that itself
    async stop() {
      process.off("exit", kill);
      kill();
      await ended;
    },
  };
}
