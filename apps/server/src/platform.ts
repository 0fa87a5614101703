import { Passwords } from "@holdfast/crypto";
import { isRefusal, Refusal, type Instant } from "@holdfast/kernel";
import { listeningOn, nameOf } from "./about.ts";
import { Alerting } from "./alerting.ts";
import { Accounts, Plans, Usage } from "./accounting/index.ts";
import { accountingRoutes } from "./accounting/routes.ts";
import { openApplicationUsers } from "./application-users.ts";
import { Audit, recorder, Refusals } from "./audit/index.ts";
import { auditRoutes } from "./audit/routes.ts";
import {
  Administrators,
  Authentication,
  HighWater,
  Journal,
  lifeOf,
  ListKeeping,
  Minting,
  Revocation,
  Roles,
  Sessions,
  SocketAddresses,
  Spaces,
  TokenKeys,
  type Handler,
} from "./authority/index.ts";
import { authorityRoutes } from "./authority/routes.ts";
import { openCertificates } from "./certificates.ts";
import { keepTime } from "./clock-watch.ts";
import { arrivalsOf, connectionsOf } from "./connections.ts";
import { keepHouse, keepLast } from "./housekeeping.ts";
import { enrolmentRoutes } from "./enrolment/routes.ts";
import { erasing } from "./erasing.ts";
import {
  ConsoleFiles,
  Entrance,
  Exposure,
  Guard,
  HttpListener,
  Live,
  MqttListener,
  Replays,
  Watchers,
} from "./listeners/index.ts";
import { LiveRefusals, Strangers } from "./live/index.ts";
import { MqttSessions, openMessages, Presences } from "./messages/index.ts";
import { messageRoutes } from "./messages/routes.ts";
import { openSockets } from "./direct-sockets.ts";
import { outwardsOf } from "./outwards.ts";
import { OwnListeners } from "./outbound/index.ts";
import { Catalogue, DeviceList, Directories, Doors, Postures, Registry } from "./registry/index.ts";
import { registryRoutes } from "./registry/routes.ts";
import { Simulation } from "./simulation/index.ts";
import { simulationRoutes } from "./simulation/routes.ts";
import { Storage } from "./storage/index.ts";
import { Asking } from "./telemetry/index.ts";
import { Signing } from "./tls/index.ts";
import { knownBy } from "./known.ts";
import { measuredRoutes } from "./measured.ts";
import { ownRoutes } from "./own-routes.ts";
import { openPeople } from "./people.ts";
import { openPlaces } from "./places.ts";
import { eraseAgain, reconcile } from "./restored.ts";
import type { PlatformNeeds } from "./platform-needs.ts";
import { openReadings } from "./readings.ts";
import { Rounds } from "./rounds.ts";
import { togetherRoutes } from "./together.ts";
import { ScheduledBackups } from "./scheduled-backups.ts";
import { Platform } from "./running.ts";

/**
 * Starts everything, in the order in which it depends on each other; what was opened is closed again when a later step fails.
 * @throws the signal's reason when it was given up
 */
export async function startPlatform(needs: PlatformNeeds): Promise<Platform> {
  const opened = new AsyncDisposableStack();
  const closing = new AbortController();
  needs.signal?.addEventListener("abort", () => closing.abort(needs.signal?.reason), { once: true });
  try {
    needs.signal?.throwIfAborted();
    return await open(needs, opened, closing);
  } catch (error) {
    closing.abort();
    await opened.disposeAsync();
    // What fails because nobody waits any more is no failure.
    throw needs.signal?.aborted && error instanceof Refusal ? needs.signal.reason : error;
  }
}

async function open(needs: PlatformNeeds, opened: AsyncDisposableStack, closing: AbortController): Promise<Platform> {
  const { config, random, timers, report, signal } = needs;
  const places = opened.adopt(await openPlaces(needs), (all) => all.close());
  const { keyring } = places;

  // The database that another server uses is not ours to end.
  const loseIfInUse = (error: unknown): void => {
    if (isRefusal(error, "storage.inUse")) places.lose();
  };
  const refusals: { log: Refusals | undefined } = { log: undefined };
  const spaceHolder: { spaces: Spaces | undefined } = { spaces: undefined };
  const storage = opened.adopt(
    await Storage.open({
      ...needs,
      database: places.database,
      folder: places.databaseFolder,
      keyring,
      recordAudit: recorder(random),
      doubtful: (org) => spaceHolder.spaces?.forget(org),
      fatal: (refusal) => {
        loseIfInUse(refusal);
        needs.fatal(refusal);
      },
      closing: closing.signal,
    }).catch((error: unknown) => {
      loseIfInUse(error);
      throw error;
    }),
    (it) => it.close(),
  );

  await eraseAgain({ storage, keyring, report });

  // Authority: who may do what. Its clock only goes forward.
  const [mark] = await storage.directory.call<{ at: string }>("high_water", []);
  const highWater = Math.max(Number(mark?.at ?? 0), await keyring.journal.letGoBy()) as Instant; // of ours both
  const clock = new HighWater(needs.clock, highWater);
  const journal = new Journal({ book: keyring.journal, report });
  const administrators = await Administrators.load({ storage, keys: keyring, journal, random });
  const spaces = new Spaces({ storage, ...knownBy({ storage, keys: keyring, random }), administrators });
  spaceHolder.spaces = spaces;
  const tokenKeys = await TokenKeys.load({ storage, random });
  refusals.log = new Refusals({ storage, clock, timers, report });
  const { note: onRefusal, noteSignIn: refusedSignIn } = refusals.log;
  const authentication = new Authentication({ storage, spaces, tokenKeys, clock, random, onRefusal });
  const socketAddresses = await SocketAddresses.load({ storage });
  const minting = new Minting({ storage, spaces, tokenKeys, socketAddresses, clock, random });
  const revocation = new Revocation({ storage, spaces, journal });
  const making = { tokenKeys, socketAddresses, minting, signer: new Signing({ random }) };
  const life = lifeOf({ storage, spaces, ...making, authentication, revocation, journal, report, clock, random });
  const sessions = new Sessions({ storage, keys: keyring, spaces, authentication, revocation, clock, random });

  signal?.throwIfAborted();

  // The subjects.
  const common = { storage, spaces, rulings: life.rulings, clock, random };
  const held = { keys: keyring, minting, revocation, journal, onRefusal };
  const passwords = new Passwords({ random, clock, cost: needs.passwordCost });
  const guard = opened.adopt(new Guard({ clock, timers, report }), (it) => it.close());
  const forPeople = { ...common, ...held, administrators, passwords, refusedSignIn, guard };
  const outwards = await outwardsOf(config);
  const address = () => `https://${nameOf(config)}:${https.port}`;
  const people = await openPeople({
    ...forPeople,
    sessions,
    authentication,
    erase: (org) => erase(org),
    fleet: { isOffered: config.offersDemo, begin: (person) => simulation.begin(person) },
    address,
    isOurs: (host) => certificates.isFor(host),
    factorResetAfter: config.factorResetAfter,
    ownClock: needs.clock,
    ...outwards,
    timers,
    report,
    signal: closing.signal,
  });
  opened.defer(() => people.setup.stop());

  const readings = await openReadings({ ...needs, ...common, ...outwards, keys: keyring, signal: closing.signal });
  const telemetry = opened.adopt(readings.telemetry, (it) => it.close());
  const presences = opened.adopt(await Presences.open({ ...needs, ...common, lastKnown: highWater }), (it) =>
    it.close(),
  );
  const alerting = opened.adopt(
    await Alerting.open({ ...needs, ...common, ...people, ...outwards, keys: keyring, presences, address }),
    (it) => it.close(),
  );
  const accounts = opened.adopt(await Accounts.open({ ...common, report, lastKnown: highWater }), (it) => it.close());
  const directories = new Directories({ storage, clock });
  const registry = new Registry({ ...common, ...held, ...readings.beside, accounts, telemetry, directories });
  await reconcile({ ...common, keys: keyring, revocation, journal, registry, report });
  const catalogue = new Catalogue({ ...common, revocation });
  const postures = new Postures({ ...common, presences });
  const devices = new DeviceList({ storage, spaces, directories, presences, postures });
  const doors = new Doors({ ...common, directories });
  const applicationUsers = openApplicationUsers({ ...forPeople, ...people, registry, report });

  const lists = new ListKeeping({ ...common, report });
  const backups = await ScheduledBackups.open({ ...common, config, keyring, report, signal: closing.signal });

  signal?.throwIfAborted();

  // The listeners.
  const certificateEvents = { changed: () => {} };
  const certificates = opened.adopt(await openCertificates({ ...needs, secrets: keyring }, certificateEvents), (it) =>
    it.close(),
  );
  const arrivals = opened.adopt(arrivalsOf({ ...needs, clock }), (it) => it.close());
  const exposure = new Exposure({ authentication, sessions, ...common, ...life, ...applicationUsers, guard, report });
  const liveRefusals = new LiveRefusals({ clock, timers });
  const strangers = new Strangers({ clock });
  const messaging = { spaces, accounts, telemetry, presences, beside: readings.beside };
  const watching = { live: liveRefusals, strangers, guard, clock, timers, random, report };
  const { broker, log } = opened.adopt(
    await openMessages({
      ...messaging,
      storage,
      authentication,
      ...watching,
      refused: onRefusal,
      exposed: exposure.inTopic,
      maximumPacket: config.maximumMessage,
      whenFull: config.whenFull,
    }),
    (it) => it.close(),
  );
  const port = { certificates, arrivals, strangers, random, timers, host: config.host };
  const mqtt = opened.adopt(
    await MqttListener.open({ ...port, broker, port: config.mqttsPort, maximumPacket: config.maximumMessage }),
    (it) => it.close(),
  );
  const framing = { ...needs, ...common, ...messaging, ...port, authentication, socketAddresses, log };
  const direct = opened.adopt(await openSockets({ ...framing, live: liveRefusals, refused: onRefusal }), (it) =>
    it.close(),
  );
  const watchers = new Watchers({ ...messaging, refusals: liveRefusals, strangers, timers });
  const connections = connectionsOf({ broker, watchers });
  const entrance = new Entrance({ authentication, sessions, certificates, guard, ...life });
  const live = new Live({ watchers, entrance, accounts, arrivals, timers, random });
  const door = new OwnListeners({
    host: listeningOn(config.host),
    name: nameOf(config),
    ports: () => ({ https: https.port, mqtts: mqtt.port }),
    ca: () => certificates.caPem,
    first: arrivals.greetingOf(listeningOn(config.host)),
    timers,
  });
  const asking = opened.adopt(new Asking({ ...common, telemetry, keys: keyring }), (it) => it.close());
  const verbs = { authentication, minting, revocation, catalogue, registry, telemetry, presences, accounts, log };
  const forShow = { isOffered: config.offersDemo, keys: keyring, door, maximumMessage: config.maximumMessage };
  const erase = erasing({ ...common, ...verbs, keys: keyring, simulation: () => simulation });
  const simulation: Simulation = new Simulation({ ...common, ...verbs, ...forShow, erase, timers, report });
  const ofAuthority = { ...common, ...verbs, ...life, ...applicationUsers, sessions, lists, alerting };
  const handlers: Handler[] = [
    ...people.handlers,
    ...authorityRoutes({ ...ofAuthority, connections, timers, report, roles: new Roles(forPeople) }),
    ...registryRoutes({ ...common, registry, catalogue, doors, devices, postures, ...applicationUsers }),
    ...enrolmentRoutes({ ...common, ...life, ...making, registry }),
    ...applicationUsers.handlers,
    ...messageRoutes({ mqttSessions: new MqttSessions({ storage, spaces, clock, log, broker }) }),
    ...readings.beside.handlers,
    ...direct.handlers,
    ...alerting.handlers,
    ...togetherRoutes({ ...common, ...readings, presences }),
    ...measuredRoutes({ ...ofAuthority, asking, retention: readings.retention }),
    ...auditRoutes(new Audit(storage)),
    ...accountingRoutes({ usage: new Usage({ ...common, accounts }), plans: new Plans({ ...common, accounts }) }),
    ...simulationRoutes(simulation),
    ...ownRoutes({
      ...port,
      ...forPeople,
      ...people,
      config,
      keyring,
      backups,
      ...readings,
      broker,
      watchers,
      sockets: direct.sockets,
      guard,
      liveRefusals,
      listening: () => ({ https, ports: { ...https.ports, ...direct.ports, mqtts: mqtt.port } }),
      handlers: () => handlers,
    }),
  ];
  const https = opened.adopt(
    await HttpListener.open({
      ...port,
      entrance,
      accounts,
      handlers,
      live,
      liveRefusals,
      console: new ConsoleFiles({ random }),
      replays: new Replays(storage),
      exposure,
      guard,
      clock,
      port: config.httpsPort,
      clientCertificatePort: config.clientCertificatePort,
      maximumBody: config.maximumMessage,
      mqtt: mqtt.accept.bind(mqtt),
      upgrades: { "/mqtt": mqtt.upgrade.bind(mqtt), "/v1/live": live.upgrade.bind(live) },
      report,
    }),
    (it) => it.close(),
  );
  // At the same time, because each gives its clients a moment, and MQTT over WebSockets is a client of both.
  opened.defer(async () => void (await Promise.all([mqtt.close(), https.close()])));
  opened.defer(() => simulation.stop());
  simulation.resume();

  opened.defer(() => keepLast({ refusals: refusals.log, lists, authentication, report }));
  const rounds = opened.adopt(new Rounds(timers, report), (it) => it.stop());
  opened.defer(() => readings.chunkCare.stop());
  keepHouse(rounds, { ...ofAuthority, ...people, report, journal, directories, backups, ...direct, ...readings });
  opened.defer(() => keepTime({ storage, clock, report }));
  return new Platform({
    opened: opened.move(),
    closing,
    places,
    certificates,
    certificateEvents,
    setup: people.setup,
    passwords,
    asking,
    https,
    mqtt,
    direct,
    host: config.host,
    publicNames: config.publicNames,
  });
}
