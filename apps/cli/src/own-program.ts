import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { exits, Hindrance, type Exit } from "./failure.ts";
import { optional, text } from "./parameter.ts";
import type { Tools } from "./tools.ts";

// What is a matter of the machine that holds data and keys is not reached over HTTP: a program of the server does the work.

const folder = text("DIR");

/** Which platform of this machine. */
export const where = {
  data: optional(folder, "the data folder (or HOLDFAST_DATA)"),
  keys: optional(folder, "the keys folder (or HOLDFAST_KEYS)"),
  "keyring-url": optional(text("URL"), "the keyring, when it is in a PostgreSQL (or HOLDFAST_KEYRING_URL)"),
} as const;

const programs = {
  keys: new URL("../../server/src/keys.ts", import.meta.url),
  backups: new URL("../../server/src/backup-command.ts", import.meta.url),
};

type Given = Readonly<Record<string, unknown>>;

/** It asks, answers and fails by itself: on the same terminal, with the same forms and numbers. */
export async function runOwn(
  name: keyof typeof programs,
  words: readonly string[],
  flags: Given,
  { print }: Tools,
): Promise<Exit> {
  const program = fileURLToPath(programs[name]);
  if (!existsSync(program)) throw new Hindrance("This clone has no server in it, and this is the server's to do.");
  const given = Object.entries(flags).flatMap(([flag, value]) =>
    typeof value === "string" ? [`--${flag}=${value}`] : value === true ? [`--${flag}`] : [],
  );
  const args = [program, ...given, ...(print.isJson ? ["--json"] : []), "--", ...words];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  // A key that is pressed reaches it as well, and it says what becomes of what it does.
  const wait = () => undefined;
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, wait);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, wait);
      resolve(Object.values(exits).find((exit) => exit === code) ?? exits.fault);
    });
  });
}
