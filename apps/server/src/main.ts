import { rmSync } from "node:fs";
import { Refusal, systemClock, systemRandom, systemTimers } from "@holdfast/kernel";
import { areKeysBesideData } from "./about.ts";
import { banner } from "./banner.ts";
import { environment, keysOption, mayColour, parseConfig, usage, type Config } from "./config.ts";
import { checkOpenFiles } from "./limits.ts";
import { Log } from "./log.ts";
import { caFileOf, readyFileOf } from "./places.ts";
import { startPlatform } from "./platform.ts";
import { ReadyFile, type Ready } from "./ready-file.ts";
import { closedTo, leaveRoot } from "./root.ts";
import type { Platform } from "./running.ts";
import { version } from "./version.ts";
import { writeWhole } from "./whole-file.ts";

/** What the process ends with: as the command line's (docs of `holdfast`). */
const exits = { done: 0, refused: 1, misuse: 2, fault: 70 } as const;
type Exit = (typeof exits)[keyof typeof exits];

/** A stop may take ten seconds. What is not done by then is cut short, just before somebody loses patience. */
const patience = 9_500;

const log = new Log({ outlet: process.stderr, clock: systemClock, mayColour });

async function main(): Promise<Exit> {
  const config = parseConfig(process.argv.slice(2), environment);
  if (config === "help") {
    process.stdout.write(usage);
    return exits.done;
  }
  const advice = checkOpenFiles();
  if (advice !== undefined) log.warn(advice);

  const readyFile = new ReadyFile(
    readyFileOf(config),
    config.readyFile === undefined ? keysOption(config) : "--ready-file",
  );
  const ending = new Ending(() => void readyFile.remove());
  await using platform = await ending.unlessAsked(start(config, readyFile, ending));
  if (platform && !ending.signal.aborted) await ending.unlessAsked(serve(platform, config, readyFile));
  const exit = await ending.asked;
  await readyFile.remove();
  return exit;
}

async function start(config: Config, readyFile: ReadyFile, ending: Ending): Promise<Platform> {
  try {
    return await startPlatform({
      config,
      clock: systemClock,
      random: systemRandom,
      timers: systemTimers,
      report: log.report,
      fatal: (refusal) => {
        log.refusal(refusal);
        ending.ask(exits.refused);
      },
      signal: ending.signal,
    });
  } catch (error) {
    readyFile.putBack();
    throw error;
  }
}

/** Everything listens: gives root up, and tells whoever waits. */
async function serve(platform: Platform, config: Config, readyFile: ReadyFile): Promise<void> {
  const { runAs } = platform;
  // A data folder that holds other things is not given away. What is in one that was is no place for root to write.
  const isRoots = runAs !== undefined && closedTo(runAs, [{ path: config.data, to: "change" }]) !== undefined;
  const early = isRoots ? writeAuthority(platform, caFileOf(config)) : undefined;
  readyFile.prepareFor(runAs, log.error);
  // As in a clone in root's home: what is read later would then be out of reach.
  const isProgramClosed = runAs && closedTo(runAs, [{ path: import.meta.filename, to: "read" }]) !== undefined;
  if (isProgramClosed) await platform.loadWhole();
  leaveRoot({
    user: runAs,
    places: [
      { path: config.data, to: "enter" },
      { path: config.keys, to: "change" },
    ],
    allowRoot: config.allowRoot,
    files: [config.tlsCert, config.tlsKey].filter((file) => file !== undefined),
    info: log.info,
    warn: log.warn,
  });
  const caFile = isRoots ? early : writeAuthority(platform, caFileOf(config));
  platform.onCertificate(() => renewAuthority(platform, caFileOf(config)));
  const { url, mqttsUrl, clientCertificateUrl } = platform;
  const { udp, tcp } = platform.sockets;
  const sockets = { ...(udp !== undefined && { udpUrl: udp }), ...(tcp !== undefined && { tcpUrl: tcp }) };
  const ready: Ready = {
    pid: process.pid,
    url,
    mqttsUrl,
    ...(clientCertificateUrl !== undefined && { clientCertificateUrl }),
    ...sockets,
    ...(caFile !== undefined && { caFile }),
  };

  let isAnnounced = false;
  let setupLink: string | undefined;
  await platform.watchSetup((link) => {
    const wasOpen = setupLink !== undefined;
    setupLink = link;
    readyFile.write({ ...ready, ...(link !== undefined && { setupLink: link }) });
    if (isAnnounced) tellSetup(link, wasOpen, readyFile.path);
  });
  isAnnounced = true;
  if (!(process.stdout.isTTY && process.stderr.isTTY)) {
    log.info("The platform is ready.", {
      url,
      mqttsUrl,
      ...(clientCertificateUrl !== undefined && { clientCertificateUrl }),
      ...sockets,
      ...(setupLink !== undefined && { setupLinkIn: readyFile.path }),
    });
  }
  process.stdout.write(await announcement({ platform, config, caFile, setupLink, readyFile: readyFile.path }));
}

/** Into the data folder, for clients to trust; `undefined` when what their system trusts is enough. */
function writeAuthority({ caPem }: Platform, file: string): string | undefined {
  if (caPem === undefined) {
    rmSync(file, { force: true });
    return undefined;
  }
  writeWhole(file, caPem, 0o644);
  return file;
}

function renewAuthority(platform: Platform, file: string): void {
  try {
    writeAuthority(platform, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EACCES")) throw error;
    log.warn(
      `${file} is not up to date: user ${process.geteuid?.()} may not change the folder it is in. The next start writes it.`,
    );
  }
}

/** The link is for people's eyes: on a terminal, never in what a log keeps. */
function tellSetup(link: string | undefined, wasOpen: boolean, file: string): void {
  if (link === undefined)
    return wasOpen ? log.info("The platform has its first person. The set-up link is gone.") : undefined;
  if (process.stdout.isTTY) process.stdout.write(`New set-up link, instead of the one before: ${link}\n`);
  else log.info("There is a new set-up link instead of the one before.", { setupLinkIn: file });
}

type Facts = {
  readonly platform: Platform;
  readonly config: Config;
  readonly caFile: string | undefined;
  readonly setupLink: string | undefined;
  readonly readyFile: string;
};

async function announcement({ platform, config, caFile, setupLink, readyFile }: Facts): Promise<string> {
  const { isTTY } = process.stdout;
  const { backedUpAt, keysSinceBackup } = await platform.keysStatus();
  return banner({
    version,
    url: platform.url,
    mqttsUrl: platform.mqttsUrl,
    host: config.host,
    fingerprint: platform.fingerprint,
    caFile,
    readyFile,
    keysBesideData: areKeysBesideData(config) ? config.keys : undefined,
    keysOf: config,
    keys: backedUpAt === undefined ? "never backed up" : keysSinceBackup > 0 ? "newer than the backup" : "backed up",
    setupLink: setupLink === undefined ? undefined : isTTY ? { shown: setupLink } : "hidden",
    folder: process.cwd(),
    mayColour: mayColour && isTTY,
  });
}

/** What makes the process end, once: a signal, another server that took the data over, our own fault. */
class Ending {
  readonly asked: Promise<Exit>;
  readonly #resolve: (exit: Exit) => void;
  readonly #begun = new AbortController();

  constructor(tidy: () => void) {
    const { promise, resolve } = Promise.withResolvers<Exit>();
    this.asked = promise;
    this.#resolve = resolve;
    // A second signal finds that it was asked already; a signal to the process group reaches us twice (npm passes it on).
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => this.ask(exits.done));
    process.on("uncaughtException", (error) => {
      log.fault("A fault of the platform itself. Please report it. It stops, so that nothing wrong is kept.", error);
      this.ask(exits.fault);
    });
    void promise.then(() =>
      setTimeout(() => {
        log.error("Stopping took too long, and is cut short. What was acknowledged is kept.");
        tidy();
        process.exit(exits.refused);
      }, patience),
    );
  }

  /** Aborted when it was asked: whatever waits for something is to give up. */
  get signal(): AbortSignal {
    return this.#begun.signal;
  }

  /** What does not come about because the process is to end is no failure. */
  async unlessAsked<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      const isExpected = error instanceof Refusal || error === this.signal.reason;
      if (!this.signal.aborted || !isExpected) throw error;
      return undefined;
    }
  }

  ask(exit: Exit): void {
    if (this.signal.aborted) return;
    log.info(exit === exits.done ? "Stopping, as asked." : "Stopping.");
    this.#resolve(exit);
    this.#begun.abort();
  }
}

/** A start that cannot be is a sentence and a code. */
function failed(error: unknown): Exit {
  if (error instanceof SuppressedError) {
    failed(error.suppressed);
    return failed(error.error);
  }
  if (error instanceof Refusal) {
    // SQL for an administrator to copy, which a log would fold into one line and keep.
    if (error.code === "storage.roles") process.stdout.write(`${error.detail?.trim()}\n`);
    log.refusal(error.code === "storage.roles" ? new Refusal(error.code) : error);
    return error.code === "config.malformed" ? exits.misuse : exits.refused;
  }
  if (error instanceof Error && "syscall" in error) {
    log.fault("The system said no to something that a start needs.", error);
    return exits.refused;
  }
  log.fault("A fault of the platform itself. Please report it.", error);
  return exits.fault;
}

// Until it is decided how it ends: a start that waits for a database has nothing else that would keep the process.
setInterval(() => {}, 2 ** 30);
// Whoever read our output may have gone. That is no reason to stop.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
main().then(
  (exit) => process.exit(exit),
  (error: unknown) => process.exit(failed(error)),
);
