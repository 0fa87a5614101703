import { runOwn, where } from "../own-program.ts";
import { file, optional, required, type Parameters } from "../parameter.ts";
import { verb, type Verb } from "../verb.ts";

const passphraseFlag = {
  "passphrase-file": optional(file, "file with the passphrase; - reads stdin; without it you are asked"),
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
    run: async (given: Readonly<Record<string, unknown>>, tools) => runOwn("keys", [word], given, tools),
  });

const copy = required(file, "the sealed copy");

export const keysVerbs = [
  keysVerb(
    "backup",
    "Seal a copy of this machine's keyring to a passphrase",
    { out: required(file, "where the sealed copy goes"), ...where, ...passphraseFlag },
    "--out keys.backup",
  ),
  keysVerb(
    "restore",
    "Put a sealed copy of a keyring in its place again",
    { in: copy, ...where, ...passphraseFlag },
    "--in keys.backup",
  ),
  keysVerb(
    "verify",
    "Check that a sealed copy opens with its passphrase, and say what it holds",
    { in: copy, ...passphraseFlag },
    "--in keys.backup",
  ),
];
