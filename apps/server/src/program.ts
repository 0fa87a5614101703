import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { Refusal, systemClock, systemRandom } from "@holdfast/kernel";
import { codeOf } from "./backup-file.ts";
import { environment, parseConfig, type Config } from "./config.ts";
import { placeOf as faultOf } from "./log.ts";
import { parseDatabaseUrl, parseKek } from "./storage/index.ts";

// What the programs have in common that the command line runs on the machine of the platform itself.

export const exits = { done: 0, refused: 1, misuse: 2, fault: 70 } as const;
export type Exit = (typeof exits)[keyof typeof exits];

/** The options that say which platform it is. */
export const whereOptions = {
  data: { type: "string" },
  keys: { type: "string" },
  "keyring-url": { type: "string" },
} as const;

/** @throws Refusal `config.malformed` */
export function parseGiven<const O extends ParseArgsOptionsConfig>(args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : "", cause);
  }
}

/** As a server would be started. */
export function configOf(given: Readonly<Record<string, unknown>>): Config {
  const args = (["data", "keys", "keyring-url", "database-url"] as const).flatMap((name) => {
    const value = given[name];
    return typeof value === "string" ? [`--${name}=${value}`] : [];
  });
  return parseConfig(args, environment) as Config; // nobody asked for help
}

export function siteOf({ keys, keyringUrl, kek }: Config) {
  return {
    place: { folder: keys, ...(keyringUrl !== undefined && { database: parseDatabaseUrl(keyringUrl) }) },
    ...(kek !== undefined && { kek: parseKek(kek) }),
    clock: systemClock,
    random: systemRandom,
  };
}

export const malformed = (detail: string, cause?: unknown): Refusal =>
  new Refusal("config.malformed", { cause, detail });

function failed(error: unknown, asJson: boolean): Exit {
  const isOurs = !(error instanceof Refusal) && !(error instanceof Error && "syscall" in error);
  const sentence = isOurs
    ? `A fault of the program itself. Please report it: ${faultOf(error)}`
    : (error as Error).message; // both kinds are errors
  const code = isOurs ? "fault" : (codeOf(error) ?? "fault");
  const text = asJson ? JSON.stringify({ error: { code, sentence } }) : `${sentence}\n  (${code})`;
  process.stderr.write(`${text}\n`);
  if (isOurs) return exits.fault;
  return code === "config.malformed" ? exits.misuse : exits.refused;
}

/** Runs it to its end. */
export function runProgram(main: (args: string[]) => Promise<Exit>): void {
  const args = process.argv.slice(2);
  main(args).then(
    (exit) => (process.exitCode = exit),
    (error: unknown) => (process.exitCode = failed(error, args.includes("--json"))),
  );
}
