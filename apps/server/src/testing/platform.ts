import type { Cost } from "@holdfast/crypto";
import { systemClock, systemRandom, systemTimers, type Clock, type Random, type Timers } from "@holdfast/kernel";
import type { Config } from "../config.ts";
import { startPlatform } from "../platform.ts";
import type { Platform } from "../running.ts";
import { freshDatabase, type FreshDatabase } from "./database.ts";
import { Visitor, type Welcome } from "./visitor.ts";

export type TestPlatform = {
  readonly platform: Platform;
  readonly database: FreshDatabase;
  readonly config: Config;
  /** What the platform told its log, in order. */
  readonly reports: readonly string[];
  /** The same with all that stood beside each, as JSON. */
  readonly log: readonly string[];
  readonly fatal: readonly string[];
  /** HTTP as a stranger; `as` shows a credential. */
  readonly visitor: Visitor;
  /** The first person and organisation; a second call makes a further organisation. */
  setUp(): Promise<Welcome>;
  /** Ends the platform and, unless the database was given, drops it. */
  close(): Promise<void>;
};

export type Given = {
  readonly clock?: Clock;
  readonly timers?: Timers;
  readonly random?: Random;
  readonly config?: Partial<Config>;
  /** `undefined` for what it costs outside of tests, where the test is about how long that takes. */
  readonly passwordCost?: Cost | undefined;
  readonly database?: FreshDatabase;
};

/** The least there is: nearly all tests sign somebody in, and few are about how slow that has to be. */
const little: Cost = { memory: 8, passes: 1, lanes: 1 };

/** The whole platform in this process, on free ports of 127.0.0.1 and a database of its own. */
export async function startTestPlatform(given: Given = {}): Promise<TestPlatform> {
  const database = given.database ?? (await freshDatabase());
  const config: Config = {
    data: database.folder,
    keys: database.keysFolder,
    host: "127.0.0.1",
    httpsPort: 0,
    mqttsPort: 0,
    clientCertificatePort: undefined,
    udpPort: undefined,
    tcpPort: undefined,
    databaseUrl: database.url,
    keyringUrl: undefined,
    kek: undefined,
    publicNames: [],
    readyFile: undefined,
    tlsCert: undefined,
    tlsKey: undefined,
    securityContact: undefined,
    maximumMessage: 1024 * 1024,
    maximumConnectionsPerAddress: 60_000,
    maximumConnectionRatePerAddress: 1_000,
    whenFull: "dropOldest",
    factorResetAfter: 72,
    telemetryMemory: 256 * 1024 * 1024,
    cold: undefined,
    proxyFrom: [],
    outboundAllow: [],
    outboundCa: undefined,
    dnsServer: undefined,
    allowRoot: false,
    offersDemo: true,
    backups: undefined,
    mail: undefined,
    ...given.config,
  };
  const reports: string[] = [];
  const log: string[] = [];
  const fatal: string[] = [];
  const platform = await startPlatform({
    config,
    clock: given.clock ?? systemClock,
    random: given.random ?? systemRandom,
    timers: given.timers ?? systemTimers,
    passwordCost: "passwordCost" in given ? given.passwordCost : little,
    report: (message, about) => {
      reports.push(message);
      log.push(JSON.stringify({ ...about, message }));
    },
    fatal: (refusal) => void fatal.push(refusal.message),
  });
  const visitor = new Visitor(platform.url, platform.caPem ?? "");
  let owner: Welcome | undefined;
  return {
    platform,
    database,
    config,
    reports,
    log,
    fatal,
    visitor,
    async setUp() {
      if (!owner) return (owner = await firstSetUp(platform, visitor));
      const { org, token } = await visitor
        .as(owner.token)
        .post<{ org: string; token: string }>("/v1/orgs", { name: "Another" });
      return { org, person: owner.person, token };
    },
    async close() {
      await platform.close();
      await visitor.close();
      if (!given.database) await database.drop();
    },
  };
}

async function firstSetUp(platform: Platform, visitor: Visitor): Promise<Welcome> {
  const link = await new Promise<string>((resolve, reject) => {
    platform
      .watchSetup((told) => (told === undefined ? reject(new Error("somebody was here before")) : resolve(told)))
      .catch(reject);
  });
  const secret = link.split("#setup=")[1] ?? "";
  const person = { email: "owner@example.com", password: "correct horse battery staple", org: "First" };
  return visitor.post<Welcome>("/v1/setup", { secret, ...person });
}
