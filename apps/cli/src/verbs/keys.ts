import { runOwn, where } from "../own-program.ts";
import { file, optional, required, type Parameters } from "../parameter.ts";
import { verb, type Verb } from "../verb.ts";

const passphraseFlag = {
  "passphrase-file": optional(file, "file with the passphrase; - reads stdin; without it you are asked"),
} as const;

const keysVerb = <const F extends Parameters>(
  word: "backup" | "restore" | "verify" | "take-spare" | "bring-spare",
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
  keysVerb(
    "take-spare",
    "Move the private key of the platform's spare root out of the keyring, into a sealed file to keep elsewhere; while the platform is stopped",
    { out: required(file, "where it goes"), ...where, ...passphraseFlag },
    "--out spare.root",
  ),
  keysVerb(
    "bring-spare",
    "Put the spare root's private key back into the keyring, to go over to it (roots switch --to spare); while the platform is stopped",
    { in: required(file, "the sealed file"), ...where, ...passphraseFlag },
    "--in spare.root",
  ),
];
