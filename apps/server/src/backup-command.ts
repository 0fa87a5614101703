import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import { isRefusal, Refusal, rfc3339, systemClock, systemRandom, systemTimers } from "@holdfast/kernel";
import { refuseOverwriting } from "./backup-file.ts";
import { bytesOf, nameIn, removeCutOff, verifyFile, writeBackup } from "./backup-files.ts";
import { restoreBackup, type Restored, type Summary } from "./backup/index.ts";
import { within } from "./closed.ts";
import type { Config } from "./config.ts";
import { openPlaces, postgresIn } from "./places.ts";
import { configOf, exits, malformed, parseGiven, runProgram, siteOf, whereOptions, type Exit } from "./program.ts";
import {
  dataVersion,
  Keyring,
  parseDatabaseUrl,
  runningPostgres,
  snapshotBeside,
  Storage,
  type Snapshot,
} from "./storage/index.ts";

// `holdfast backup` and `holdfast restore` on the machine that has the data and the keys; the command line runs it.
const usage = `holdfast backup FILE|DIR     [--data DIR] [--keys DIR] [--keyring-url URL]
holdfast backup verify FILE  [--data DIR] [--keys DIR] [--keyring-url URL]
holdfast restore FILE        [--data DIR] [--keys DIR] [--keyring-url URL] [--nothing-revoked]

With --json the answer is for programs. A database of your own is named by HOLDFAST_DATABASE_URL.
`;

const options = {
  ...whereOptions,
  "nothing-revoked": { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

type Given = ReturnType<typeof parse>["values"];
type Done = {
  readonly file: string;
  readonly done: string;
  readonly summary: Summary | Restored;
  readonly config: Config;
};

const ending = new AbortController();

async function main(args: string[]): Promise<Exit> {
  const { values, positionals } = parse(args);
  if (values.help) {
    process.stdout.write(usage);
    return exits.done;
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => ending.abort(new Refusal("stopping", { detail: "Nothing is left of what was begun." })));
  const answer = await run(positionals, values);
  process.stdout.write(values.json === true ? forPrograms(answer) : forPeople(answer));
  return exits.done;
}

async function run([verb, to, ...others]: readonly string[], given: Given): Promise<Done> {
  if (to === undefined || to === "") throw malformed("A file is missing.");
  if (others.length > 0) throw malformed(`There is one file, and no "${others.join(" ")}".`);
  const config = configOf(given);
  const asked = path.resolve(to);
  switch (verb) {
    case "backup":
      return { ...(await backup(asked, config)), done: "Backed up to", config };
    case "verify":
      return { file: asked, done: "Whole:", summary: await verify(asked, config), config };
    case "restore":
      return {
        file: asked,
        done: "Restored from",
        summary: await restore(asked, config, given["nothing-revoked"] === true),
        config,
      };
    case undefined:
    default:
      throw malformed("The verbs are backup, verify and restore. --help tells more.");
  }
}

async function backup(to: string, config: Config): Promise<{ file: string; summary: Summary }> {
  const keyring = await Keyring.openBeside(siteOf(config));
  try {
    const isFolder = statSync(to, { throwIfNoEntry: false })?.isDirectory() === true;
    const file = isFolder ? nameIn(to, keyring.instance, systemClock.now()) : to;
    refuseOverwriting(file);
    within("FILE", () => accessSync(path.dirname(file), constants.W_OK));
    for (const left of isFolder ? removeCutOff(to, keyring.instance, systemClock.now()) : [])
      process.stderr.write(`A backup that was cut off is removed: ${left}\n`);
    await using source = await sourceOf(config, keyring);
    const summary = await writeBackup({
      file,
      take: source.take,
      keyring,
      clock: systemClock,
      random: systemRandom,
      progress: (step, done, about) => tell(step === "made" ? "Backing up" : "Reading back", done, about),
      signal: ending.signal,
    });
    return { file, summary };
  } finally {
    await keyring.close();
  }
}

type Source = AsyncDisposable & { readonly take: () => Promise<Snapshot> };

/** The database as it serves; where it does not run, it is started for as long as this takes. */
async function sourceOf(config: Config, keyring: Keyring): Promise<Source> {
  const beside = { [Symbol.asyncDispose]: async () => {} };
  if (config.databaseUrl !== undefined) {
    const login = parseDatabaseUrl(config.databaseUrl);
    return { ...beside, take: () => snapshotBeside(login, keyring) };
  }
  const folder = postgresIn(config);
  if (within("--data", () => dataVersion(folder)) === undefined)
    throw malformed(`--data: there are no data in ${config.data}.`);
  const running = await runningPostgres(folder, keyring.instanceKey("database/superuser").toHex());
  if (running) return { ...beside, take: () => snapshotBeside(running, keyring) };
  return ownSource(config);
}

/** As a server starts it, so that none can start meanwhile. */
async function ownSource(config: Config): Promise<Source> {
  const opened = new AsyncDisposableStack();
  try {
    const places = opened.adopt(await openPlaces({ ...common, config: { ...config, allowRoot: true } }), (it) =>
      it.close(),
    );
    const { database, databaseFolder: folder, keyring } = places;
    const storage = await Storage.open({
      ...common,
      database,
      folder,
      keyring,
      recordAudit: async () => {},
      doubtful: () => {},
      fatal: (refusal) => ending.abort(refusal),
    }).catch((error: unknown) => {
      if (isRefusal(error, "storage.inUse")) places.lose();
      throw error;
    });
    opened.adopt(storage, (it) => it.close());
    const all = opened.move();
    return { take: () => storage.snapshot(), [Symbol.asyncDispose]: () => all.disposeAsync() };
  } finally {
    await opened.disposeAsync(); // nothing, once it was moved
  }
}

const common = {
  clock: systemClock,
  random: systemRandom,
  timers: systemTimers,
  report: (message: string) => void process.stderr.write(`${message}\n`),
};

async function verify(file: string, config: Config): Promise<Summary> {
  const keyring = await Keyring.openBeside(siteOf(config));
  try {
    const progress = (done: number, about: number) => tell("Reading", done, about);
    return await verifyFile(file, keyring, { progress, signal: ending.signal });
  } finally {
    await keyring.close();
  }
}

async function restore(file: string, config: Config, isVouchedFor: boolean): Promise<Restored> {
  // Without the keys there is nothing to be restored, and a start would make new ones.
  await (await Keyring.openBeside(siteOf(config))).close();
  statSync(file);
  const places = await openPlaces({ ...common, config: { ...config, allowRoot: true } });
  try {
    const progress = (done: number, about: number) => tell("Restoring", done, about);
    const bytes = bytesOf(file, { progress, signal: ending.signal });
    return await restoreBackup({ ...common, bytes, database: places.database, keyring: places.keyring, isVouchedFor });
  } catch (error) {
    if (isRefusal(error, "storage.inUse")) places.lose();
    throw error;
  } finally {
    await places.close();
  }
}

let told = "";

/** On a terminal, in one line that changes; elsewhere each tenth. */
function tell(what: string, done: number, about: number): void {
  const percent = about === 0 ? 100 : Math.floor((100 * done) / about);
  const shown = process.stderr.isTTY ? percent : Math.floor(percent / 10) * 10;
  const line = `${what}: ${shown} % of ${(about / 1_000_000).toFixed(about < 10_000_000 ? 1 : 0)} MB`;
  if (line === told) return;
  told = line;
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}${percent === 100 ? "\n" : ""}` : `${line}\n`);
}

const parse = (args: string[]) => parseGiven(args, options);

const factsOf = (summary: Summary | Restored) => ({
  id: summary.id,
  at: rfc3339(summary.at),
  version: summary.version,
  bytes: summary.bytes,
  tables: summary.tables,
  rows: summary.rows,
});

function forPrograms({ file, summary }: Done): string {
  const { gone, unreadable } = summary;
  const more = "isUnconfirmed" in summary ? { unconfirmed: summary.isUnconfirmed, erased: summary.erased } : {};
  return `${JSON.stringify({ file, ...factsOf(summary), gone, unreadable, ...more })}\n`;
}

function forPeople({ file, done, summary }: Done): string {
  const { at, version, bytes, tables, rows } = factsOf(summary);
  const count = (number: number) => number.toLocaleString("en");
  const lines = [
    `${done} ${file}`,
    `  made      ${at}, by version ${version}`,
    `  holds     ${count(rows)} rows of ${count(tables)} tables, ${count(bytes)} bytes`,
  ];
  if (summary.gone.length > 0) lines.push(`  without   ${summary.gone.join(", ")}, which went while it was made`);
  if (summary.unreadable > 0)
    lines.push(`  without   ${count(summary.unreadable)} records of the log of readings that do not open`);
  if ("isUnconfirmed" in summary && summary.erased > 0)
    lines.push(`  without   readings of devices that were erased since: ${count(summary.erased)} parts of the log`);
  if ("isUnconfirmed" in summary && summary.isUnconfirmed)
    lines.push(
      "",
      "The keyring has not heard of this backup: it is older, or was restored itself, and may not know what was revoked since. Nothing is served",
      "until an owner of each organisation, or the administrator of the instance, has signed in and said that it is as it should be:",
      "  npx holdfast restore confirm",
    );
  return `${lines.join("\n")}\n`;
}

runProgram(main);
