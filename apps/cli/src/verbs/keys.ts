import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { exits, Hindrance, type Exit } from "../failure.ts";
import { file, optional, required, text, type Parameters } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb, type Verb } from "../verb.ts";

// The keyring is a matter of the machine that holds it, so it is not reached over HTTP: a program of the server does the work.
const program = fileURLToPath(new URL("../../../server/src/keys.ts", import.meta.url));

const folder = text("DIR");
const passphraseFlag = {
  "passphrase-file": optional(file, "file with the passphrase; - reads stdin; without it you are asked"),
} as const;
const where = {
  data: optional(folder, "the data folder (or HOLDFAST_DATA)"),
  keys: optional(folder, "the keys folder (or HOLDFAST_KEYS)"),
  "keyring-url": optional(text("URL"), "the keyring, when it is in a PostgreSQL (or HOLDFAST_KEYRING_URL)"),
  ...passphraseFlag,
} as const;

const keysVerb = <const F extends Parameters>(
  word: "backup" | "restore" | "verify",
  summary: string,
  flags: F,
  example: string,
): Verb =>
  verb({
    name: `keys ${word}`,
    summary,
    flags,
    examples: [`keys ${word} ${example}`],
    run: async (given: Readonly<Record<string, unknown>>, tools) => runProgram(word, given, tools),
  });

const copy = required(file, "the sealed copy");

export const keysVerbs = [
  keysVerb(
    "backup",
    "Seal a copy of this machine's keyring to a passphrase",
    { out: required(file, "where the sealed copy goes"), ...where },
    "--out keys.backup",
  ),
  keysVerb("restore", "Put a sealed copy of a keyring in its place again", { in: copy, ...where }, "--in keys.backup"),
  keysVerb(
    "verify",
    "Check that a sealed copy opens with its passphrase, and say what it holds",
    { in: copy, ...passphraseFlag },
    "--in keys.backup",
  ),
];

/** It asks, answers and fails by itself: on the same terminal, with the same forms and numbers. */
async function runProgram(word: string, given: Readonly<Record<string, unknown>>, { print }: Tools): Promise<Exit> {
  if (!existsSync(program)) throw new Hindrance("This clone has no server in it, and the keyring is the server's.");
  const flags = Object.entries(given).flatMap(([name, value]) =>
    typeof value === "string" ? [`--${name}=${value}`] : [],
  );
  const args = [program, word, ...flags, ...(print.isJson ? ["--json"] : [])];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(Object.values(exits).find((exit) => exit === code) ?? exits.fault));
  });
}
