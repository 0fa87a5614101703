import path from "node:path";
import { Passwords } from "@holdfast/crypto";
import type { Time } from "@holdfast/mqtt";
import { because, Refusal, type Clock, type Instant, type Random, type Report, type Timers } from "@holdfast/kernel";
import { Audit, recorder, Refusals } from "./audit/index.ts";
import { auditRoutes } from "./audit/routes.ts";
import {
  Authentication,
  HighWater,
  Journal,
  Minting,
  Revocation,
  Spaces,
  TokenKeys,
  type Handler,
} from "./authority/index.ts";
import { authorityRoutes } from "./authority/routes.ts";
import { openCertificates } from "./certificates.ts";
import { clockWatch } from "./clock-watch.ts";
import type { Config } from "./config.ts";
import { Identity, Invitations, Members, Organisations, SetupOffer } from "./identity/index.ts";
import { identityRoutes } from "./identity/routes.ts";
import {
  Exposure,
  Guard,
  HttpListener,
  Live,
  MqttListener,
  openapiOf,
  platformRoutes,
  Readiness,
  Replays,
  Watchers,
} from "./listeners/index.ts";
import { LiveRefusals } from "./live/index.ts";
import { brokerFor, Hub } from "./messages/index.ts";
import { metricsOf } from "./metrics.ts";
import { Catalogue, Registry, thingsIn } from "./registry/index.ts";
import { registryRoutes } from "./registry/routes.ts";
import { Storage, type Keyring } from "./storage/index.ts";
import { Telemetry, TelemetryQueries } from "./telemetry/index.ts";
import { telemetryRoutes } from "./telemetry/routes.ts";
import { fingerprint, type Certificates } from "./tls/index.ts";
import { openPlaces, type Places } from "./places.ts";
import { reconcile } from "./restored.ts";
import { Rounds } from "./rounds.ts";
import { version } from "./version.ts";

export type PlatformNeeds = {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  /** A line for the log and, where it is for people, for the terminal. Never a secret or a payload. */
  readonly report: Report;
  /** The platform cannot go on: another server took its data over. */
  readonly fatal: (refusal: Refusal) => void;
};

const houseKeeping = 10_000; // milliseconds between two rounds

/** Starts everything, in the order in which it depends on each other; what was opened is closed again when a later step fails. */
export async function startPlatform(needs: PlatformNeeds): Promise<Platform> {
  const opened = new AsyncDisposableStack();
  try {
    return await open(needs, opened);
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

async function open(needs: PlatformNeeds, opened: AsyncDisposableStack): Promise<Platform> {
  const { config, random, timers, report } = needs;
  const places = opened.adopt(await openPlaces(needs), (all) => all.close());
  const { keyring } = places;

  // The database that another server uses is not ours to end.
  const loseIfInUse = (error: unknown): void => {
    if (error instanceof Refusal && error.code === "storage.inUse") places.lose();
  };
  const refusals: { log: Refusals | undefined } = { log: undefined };
  const spaceHolder: { spaces: Spaces | undefined } = { spaces: undefined };
  const storage = opened.adopt(
    await Storage.open({
      database: places.database,
      folder: places.databaseFolder,
      keyring,
      clock: needs.clock,
      random,
      timers,
      recordAudit: recorder(random),
      doubtful: (org) => spaceHolder.spaces?.forget(org),
      report,
      fatal: (refusal) => {
        loseIfInUse(refusal);
        needs.fatal(refusal);
      },
    }).catch((error: unknown) => {
      loseIfInUse(error);
      throw error;
    }),
    (it) => it.close(),
  );

  // Authority: who may do what. Its clock only goes forward.
  const [mark] = await storage.directory.call<{ at: string }>("high_water", []);
  const clock = new HighWater(needs.clock, Number(mark?.at ?? 0) as Instant); // a bigint column of ours
  const spaces = new Spaces({ storage, things: thingsIn });
  spaceHolder.spaces = spaces;
  const tokenKeys = await TokenKeys.load({ storage, random });
  refusals.log = new Refusals({ storage, clock, timers, report });
  const { note: onRefusal, noteSignIn: refusedSignIn } = refusals.log;
  const authentication = new Authentication({ storage, spaces, tokenKeys, clock, onRefusal });
  const minting = new Minting({ storage, spaces, tokenKeys, clock, random });
  const journal = new Journal({ book: keyring.journal, report });
  const revocation = new Revocation({ storage, spaces, journal });

  // The subjects.
  const setup = opened.adopt(new SetupOffer({ storage, keys: keyring, clock: needs.clock, random, timers }), (it) =>
    it.stop(),
  );
  const passwords = new Passwords({ random });
  const common = { storage, spaces, clock, random };
  const forPeople = { ...common, keys: keyring, passwords, minting, revocation, refusedSignIn };
  const identity = new Identity({ ...forPeople, setup });
  const members = new Members(forPeople);
  const address = () => `https://${nameOf(config)}:${https.port}`;
  const invitations = new Invitations({ ...forPeople, address });
  const telemetry = opened.adopt(await Telemetry.open({ ...common, keys: keyring, report }), (it) => it.close());
  const registry = new Registry({ ...common, keys: keyring, minting, revocation, journal, telemetry });
  await reconcile({ storage, revocation, registry, report });
  const catalogue = new Catalogue({ ...common, revocation });

  // The listeners.
  const certificateEvents = { changed: () => {} };
  const certificates = opened.adopt(await openCertificates({ ...needs, secrets: keyring }, certificateEvents), (it) =>
    it.close(),
  );
  const guard = opened.adopt(new Guard({ clock, timers, report }), (it) => it.close());
  const exposure = new Exposure({ authentication, storage, guard, clock, report });
  const liveRefusals = new LiveRefusals({ clock, timers });
  const hub = new Hub({
    spaces,
    authentication,
    telemetry,
    guard,
    live: liveRefusals,
    refused: onRefusal,
    exposed: exposure.inTopic,
  });
  const broker = opened.adopt(
    brokerFor({
      hub,
      spaces,
      telemetry,
      time: brokerTime(clock, timers),
      random,
      maximumPacket: config.maximumMessage,
      reportFault: (fault) => report("an MQTT connection ended by our own fault", because(fault)),
    }),
    (it) => it.close(),
  );
  const mqtt = opened.adopt(
    await MqttListener.open({
      certificates,
      random,
      broker,
      host: config.host,
      port: config.mqttsPort,
      maximumPacket: config.maximumMessage,
    }),
    (it) => it.close(),
  );
  const watchers = new Watchers({ spaces, telemetry, refusals: liveRefusals, timers });
  const live = new Live({ watchers, authentication, guard, timers, random });
  const queries = new TelemetryQueries({ telemetry, storage, keys: keyring, random, clock });
  const handlers: Handler[] = [
    ...identityRoutes({ identity, organisations: new Organisations(storage), members, invitations }),
    ...authorityRoutes({ storage, spaces, authentication, minting, revocation, clock }),
    ...registryRoutes({ registry, catalogue }),
    ...telemetryRoutes({ telemetry, queries }),
    ...auditRoutes(new Audit(storage)),
    ...platformRoutes({
      certificates,
      readiness: new Readiness({
        unready: () => telemetry.unready(),
        probe: () => storage.maintain.call("log_orgs", []),
        timers,
      }),
      metrics: () => metricsOf({ telemetry, broker, https, watchers, guard, liveRefusals }),
      openapi: () => openapiOf(handlers, version),
      now: () => clock.now(),
      contact: config.securityContact ?? `mailto:security@${config.publicNames[0] ?? "localhost"}`,
    }),
  ];
  const https = opened.adopt(
    await HttpListener.open({
      certificates,
      authentication,
      handlers,
      live,
      liveRefusals,
      replays: new Replays(storage),
      exposure,
      guard,
      clock,
      random,
      timers,
      host: config.host,
      port: config.httpsPort,
      maximumBody: config.maximumMessage,
      upgrades: { "/mqtt": mqtt.upgrade.bind(mqtt), "/v1/live": live.upgrade.bind(live) },
      report,
    }),
    (it) => it.close(),
  );
  // At the same time, because each gives its clients a moment, and MQTT over WebSockets is a client of both.
  opened.defer(async () => void (await Promise.all([mqtt.close(), https.close()])));

  opened.defer(() => refusals.log?.flush());
  const rounds = new Rounds(timers, report);
  const tellOfClock = clockWatch(clock, report);
  tellOfClock();
  opened.defer(() => rounds.stop());
  rounds.every(1_000, async () => {
    if (clock.hasLeapt()) spaces.recheck();
  });
  rounds.every(houseKeeping, async () => {
    tellOfClock();
    await journal.offerMissed();
    await authentication.rememberUse();
    await storage.maintain.call("raise_high_water", [clock.now()]);
  });
  opened.defer(async () => void (await storage.maintain.call("raise_high_water", [clock.now()])));
  return new Platform({ opened: opened.move(), places, certificates, certificateEvents, setup, https, mqtt, config });
}

/** The broker's words for time: the wall clock that only goes forward, and the one that cannot be set. */
const brokerTime = (clock: Clock, timers: Timers): Time => ({
  now: () => clock.now(),
  elapsed: () => clock.elapsed(),
  setTimer: (milliseconds, call) => {
    const timer = timers.after(milliseconds, call);
    return () => timer.cancel();
  },
});

type Parts = {
  readonly opened: AsyncDisposableStack;
  readonly places: Places;
  readonly certificates: Certificates;
  readonly certificateEvents: { changed: () => void };
  readonly setup: SetupOffer;
  readonly https: HttpListener;
  readonly mqtt: MqttListener;
  readonly config: Config;
};

/** A running platform, as whoever started it sees it. */
export class Platform {
  readonly #parts: Parts;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** By a name that is in the certificate. */
  get url(): string {
    return `https://${nameOf(this.#parts.config)}:${this.#parts.https.port}`;
  }

  get mqttsUrl(): string {
    return `mqtts://${nameOf(this.#parts.config)}:${this.#parts.mqtt.port}`;
  }

  /** The certificates that clients have to trust, as one PEM text; `undefined` when what their system trusts is enough. */
  get caPem(): string | undefined {
    return this.#parts.certificates.caPem;
  }

  get fingerprint(): string {
    const pem = this.caPem;
    return pem === undefined ? this.#parts.certificates.status().certificate.sha256 : fingerprint(pem);
  }

  /** Whom the process can become once everything is open. */
  get runAs(): Places["runAs"] {
    return this.#parts.places.runAs;
  }

  /** When the keys were last backed up, and how many there are since: for the banner and the posture. */
  keysStatus(): ReturnType<Keyring["status"]> {
    return this.#parts.places.keyring.status();
  }

  /** Tells the set-up link, each newer one before the last ends, and `undefined` when there is none to be had any more. */
  watchSetup(tell: (link: string | undefined) => void): Promise<void> {
    return this.#parts.setup.watch((secret) => tell(secret && `${this.url}/#setup=${secret}`));
  }

  /** Calls back when another certificate came into service: clients may have to trust another `caPem`. */
  onCertificate(changed: () => void): void {
    this.#parts.certificateEvents.changed = changed;
  }

  /** Ends everything, the last opened first. A second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= this.#parts.opened.disposeAsync();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function nameOf({ host, publicNames }: Config): string {
  const local = host === "0.0.0.0" || host === "::" || host === "127.0.0.1" || host === "::1";
  return publicNames[0] ?? (local ? "localhost" : host);
}

export const caFileOf = (config: Config): string => path.join(config.data, "ca.pem");
