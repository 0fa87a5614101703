import { accessSync, constants, existsSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Refusal, rfc3339 } from "@holdfast/kernel";
import { keepSealed, readSealed, refuseOverwriting } from "./backup-file.ts";
import { within } from "./closed.ts";
import type { Config } from "./config.ts";
import { readPassphrase } from "./passphrase.ts";
import { makeFolders } from "./places.ts";
import { configOf, exits, malformed, parseGiven, runProgram, siteOf, whereOptions, type Exit } from "./program.ts";
import { bringSpare, takeSpare } from "./spare-root.ts";
import { Keyring, parseDatabaseUrl, placeOf, restoreKeyring, verifyBackup } from "./storage/index.ts";

// `holdfast keys …` on the machine that has the keys; the command line runs it, with the arguments that it was given after `keys`.
const usage = `holdfast keys backup  --out FILE [--passphrase-file FILE] [--data DIR] [--keys DIR] [--keyring-url URL]
holdfast keys restore --in FILE  [--passphrase-file FILE] [--data DIR] [--keys DIR] [--keyring-url URL]
holdfast keys verify  --in FILE  [--passphrase-file FILE]
holdfast keys take-spare  --out FILE [--passphrase-file FILE] [--data DIR] [--keys DIR] [--keyring-url URL]
holdfast keys bring-spare --in FILE  [--passphrase-file FILE] [--data DIR] [--keys DIR] [--keyring-url URL]

With --json the answer is for programs. --passphrase-file - reads stdin; without it you are asked.
`;

const options = {
  in: { type: "string" },
  out: { type: "string" },
  "passphrase-file": { type: "string" },
  ...whereOptions,
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

type Given = ReturnType<typeof parse>["values"];
type Summary = Awaited<ReturnType<typeof verifyBackup>>;
/** What was done: with which file, and with which keyring when there was one. */
type Done = { readonly file: string; readonly done: string; readonly keyring?: string; readonly summary?: Summary };

async function main(args: string[]): Promise<Exit> {
  const { values, positionals } = parse(args);
  if (values.help) {
    process.stdout.write(usage);
    return exits.done;
  }
  const answer = await run(positionals, values);
  process.stdout.write(values.json === true ? forPrograms(answer) : forPeople(answer));
  return exits.done;
}

async function run([verb, ...others]: readonly string[], given: Given): Promise<Done> {
  if (others.length > 0) throw malformed(`There is one verb, and no "${others.join(" ")}".`);
  switch (verb) {
    case "backup": {
      const [file, config] = [named(given, "out"), configOf(given)];
      return { file, done: "Sealed to", keyring: keyringOf(config), summary: await backup(file, given, config) };
    }
    case "restore": {
      const [file, config] = [named(given, "in"), configOf(given)];
      return { file, done: "Restored from", keyring: keyringOf(config), summary: await restore(file, given, config) };
    }
    case "verify": {
      const file = named(given, "in");
      const backup = readSealed(file);
      return { file, done: "Opens:", summary: await verifyBackup(backup, await passphraseIn(given, "known")) };
    }
    case "take-spare": {
      const [file, config] = [named(given, "out"), configOf(given)];
      refuseOverwriting(file);
      within("--out", () => accessSync(path.dirname(file), constants.W_OK));
      if (config.keyringUrl === undefined) refuseWhileServed(config.keys);
      await takeSpare(file, await passphraseIn(given, "new"), siteOf(config));
      return { file, done: "The spare root's key is out of the keyring, and sealed to", keyring: keyringOf(config) };
    }
    case "bring-spare": {
      const [file, config] = [named(given, "in"), configOf(given)];
      if (config.keyringUrl === undefined) refuseWhileServed(config.keys);
      await bringSpare(file, await passphraseIn(given, "known"), siteOf(config));
      return { file, done: "The spare root's key is in the keyring again, from", keyring: keyringOf(config) };
    }
    case undefined:
    default:
      throw malformed("The verbs are backup, restore, verify, take-spare and bring-spare. --help tells more.");
  }
}

/** Answers what the file holds: it was opened again, so what is told is what it can do. */
async function backup(file: string, given: Given, config: Config): Promise<Summary> {
  refuseOverwriting(file);
  within("--out", () => accessSync(path.dirname(file), constants.W_OK)); // before anybody types a passphrase twice
  const passphrase = await passphraseIn(given, "new");
  const keyring = await Keyring.openBeside(siteOf(config));
  try {
    await keyring.backup(passphrase, async (sealed) => within("--out", () => keepSealed(sealed, file)));
  } finally {
    await keyring.close();
  }
  return verifyBackup(readSealed(file), passphrase);
}

async function restore(file: string, given: Given, config: Config): Promise<Summary> {
  const backup = readSealed(file);
  if (config.keyringUrl === undefined) refuseWhileServed(config.keys);
  const passphrase = await passphraseIn(given, "known");
  // Whoever runs this as root is an administrator at work, and no server.
  const owner = makeFolders({ ...config, allowRoot: true }, (message) => process.stderr.write(`${message}\n`));
  return restoreKeyring({ ...siteOf(config), ...(owner && { owner }), backup, passphrase });
}

/** Whose keys these are, so that nobody takes another instance's for his own. */
const keyringOf = ({ keys, keyringUrl }: Config): string =>
  keyringUrl === undefined ? path.join(keys, "keyring.sqlite") : placeOf(parseDatabaseUrl(keyringUrl));

/**
 * A server keeps epoch keys in memory, and a restored keyring may have others. In WAL mode SQLite holds a lock for as long as a connection is
 * open, so leaving that mode (`Keyring.open` comes back to it) works only when nobody else is there.
 */
function refuseWhileServed(folder: string): void {
  const file = path.join(folder, "keyring.sqlite");
  if (!existsSync(file)) return;
  using db = new DatabaseSync(file, { timeout: 0 });
  try {
    db.exec("PRAGMA journal_mode = DELETE");
  } catch (cause) {
    const isBusy = cause instanceof Error && "errcode" in cause && cause.errcode === 5; // SQLITE_BUSY
    if (isBusy) throw new Refusal("storage.inUse", { cause, detail: `It has ${file} open.` });
    // A damaged one is what a backup is for; restoring says so.
  }
}

function named(given: Given, option: "in" | "out"): string {
  const file = given[option];
  if (file === undefined || file === "") throw malformed(`--${option} FILE is missing.`);
  return path.resolve(file);
}

const passphraseIn = (given: Given, kind: "new" | "known"): Promise<string> =>
  readPassphrase(given["passphrase-file"], kind);

const parse = (args: string[]) => parseGiven(args, options);

function forPrograms({ file, keyring, summary }: Done): string {
  const about = summary && { instance: summary.instance, at: rfc3339(summary.at), keys: summary.counts };
  return `${JSON.stringify({ file, ...(keyring !== undefined && { keyring }), ...about })}\n`;
}

function forPeople({ file, done, keyring, summary }: Done): string {
  const what = Object.entries(summary?.counts ?? {}).map(([kind, count]) => `${kind} ${count}`);
  return [
    `${done} ${file}`,
    ...(summary ? [`  made      ${rfc3339(summary.at)}`] : []),
    ...(keyring === undefined ? [] : [`  keyring   ${keyring}`]),
    ...(summary ? [`  instance  ${summary.instance}`, `  keys      ${what.join(", ")}`] : []),
    "",
  ].join("\n");
}

runProgram(main);
