import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock, systemRandom, systemTimers, type Id, type Instant } from "@holdfast/kernel";
import { HighWater, Spaces, type Space } from "../../apps/server/src/authority/index.ts";
import { startPlatform } from "../../apps/server/src/platform.ts";
import { thingsIn } from "../../apps/server/src/registry/index.ts";
import { Keyring, Storage, type Login } from "../../apps/server/src/storage/index.ts";
import { Decoding } from "../../apps/server/src/telemetry/decoding.ts";
import { Telemetry } from "../../apps/server/src/telemetry/index.ts";
import type { Questions } from "../../apps/server/src/telemetry/questions.ts";
import { asOwner, copyKeys, makeCluster, type Cluster } from "../../apps/server/src/testing/cluster.ts";
import { populate } from "./populate.ts";

/** Our store and the peers' database in one embedded PostgreSQL, set as the platform sets it: fsync and synchronous_commit on. */
export type Place = {
  readonly telemetry: Telemetry;
  /** What questions about it need. */
  readonly asking: ConstructorParameters<typeof Questions>[0];
  readonly space: Space;
  readonly devices: readonly Id<"device">[];
  /** The owner's sign-in to our database. */
  readonly ours: Login;
  /** An empty database of the same PostgreSQL. */
  readonly peers: Login;
  /** Where PostgreSQL writes down who it is. */
  readonly pidFile: string;
  /** On the disk that PostgreSQL writes to. */
  readonly folder: string;
  close(): Promise<void>;
};

export async function openPlace(devices: number): Promise<Place> {
  const stack = new AsyncDisposableStack();
  const { cluster, stop, abandon } = await makeCluster(tmpdir()); // on a disk: what it takes is measured
  stack.defer(stop);
  // PostgreSQL is in a session of its own: it would outlive whoever interrupts a benchmark.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      abandon();
      process.kill(process.pid, signal); // as it would have ended without us
    });
  }
  try {
    const ours = { ...cluster.owner, database: "bench" };
    const peers = { ...cluster.owner, database: "peers" };
    await asOwner(cluster.owner, `create database bench template ${cluster.template}`, "create database peers");
    const folder = mkdtempSync(path.join(cluster.folder, "bench-"));
    const keysFolder = path.join(folder, "keys");
    copyKeys(cluster, keysFolder);
    const made = await makeDevices(cluster, { folder, keysFolder, count: devices });
    const { telemetry, asking, space } = await openTelemetry(stack, { login: ours, keysFolder, org: made.org });
    for (const device of made.devices) await telemetry.prepare(space, device);
    const pidFile = path.join(cluster.folder, "postgres", "cluster", "postmaster.pid");
    const opened = stack.move();
    return {
      telemetry,
      asking,
      space,
      devices: made.devices,
      ours,
      peers,
      pidFile,
      folder,
      close: () => opened.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

type Made = { readonly org: Id<"org">; readonly devices: readonly Id<"device">[] };

/** By the whole platform and over HTTPS, as everybody does; it is closed again before anything is measured. */
async function makeDevices(
  { owner }: Cluster,
  { folder, keysFolder, count }: { folder: string; keysFolder: string; count: number },
): Promise<Made> {
  const secret = encodeURIComponent(owner.password ?? "");
  await using platform = await startPlatform({
    config: {
      data: folder,
      keys: keysFolder,
      host: "127.0.0.1",
      httpsPort: 0,
      mqttsPort: 0,
      clientCertificatePort: undefined,
      udpPort: undefined,
      tcpPort: undefined,
      databaseUrl: `postgres://${owner.user}:${secret}@/bench?host=${encodeURIComponent(owner.host)}&port=${owner.port}`,
      keyringUrl: undefined,
      kek: undefined,
      publicNames: [],
      readyFile: undefined,
      tlsCert: undefined,
      tlsKey: undefined,
      securityContact: undefined,
      offersDemo: false,
      backups: undefined,
      mail: undefined,
      maximumMessage: 1024 * 1024,
      maximumConnectionsPerAddress: 60_000,
      maximumConnectionRatePerAddress: 1_000_000,
      whenFull: "dropOldest",
      factorResetAfter: 72,
      telemetryMemory: 256 * 1024 * 1024,
      cold: undefined,
      proxyFrom: [],
      outboundAllow: [],
      outboundCa: undefined,
      dnsServer: undefined,
      allowRoot: false,
    },
    clock: systemClock,
    random: systemRandom,
    timers: systemTimers,
    report: () => undefined,
    fatal: (refusal) => process.stderr.write(`${refusal.message}\n`),
  });
  const link = await new Promise<string>((resolve, reject) => {
    platform
      .watchSetup((told) => (told === undefined ? reject(new Error("somebody was here before")) : resolve(told)))
      .catch(reject);
  });
  const { org, devices } = await populate({ url: platform.url, ca: platform.caPem ?? "", setupLink: link }, count);
  return { org, devices: devices.map(({ id }) => id) };
}

/** The store alone, wired as `platform.ts` wires it. */
async function openTelemetry(
  stack: AsyncDisposableStack,
  { login, keysFolder, org }: { login: Login; keysFolder: string; org: Id<"org"> },
): Promise<Pick<Place, "telemetry" | "asking" | "space">> {
  const report = (message: string): void => void process.stderr.write(`${message}\n`);
  const place = { folder: keysFolder };
  const keys = await Keyring.open({ place, clock: systemClock, random: systemRandom });
  stack.defer(() => keys.close());
  const holder: { spaces: Spaces | undefined } = { spaces: undefined };
  const storage = await Storage.open({
    database: login,
    folder: undefined,
    keyring: keys,
    clock: systemClock,
    random: systemRandom,
    timers: systemTimers,
    recordAudit: async () => undefined, // ingest and compaction leave no entries
    doubtful: (changed) => holder.spaces?.forget(changed),
    report,
    fatal: (refusal) => report(refusal.message),
  });
  stack.defer(() => storage.close());
  const spaces = (holder.spaces = new Spaces({ storage, things: thingsIn, demands: async () => ({}) }));
  const clock = new HighWater(systemClock, 0 as Instant); // nothing was written before
  const telemetry = await Telemetry.open({ storage, keys, spaces, clock, random: systemRandom, report });
  stack.defer(() => telemetry.close());
  const decoding = new Decoding();
  stack.defer(() => decoding.close());
  const asking = { storage, keys, telemetry, clock, random: systemRandom, decoding };
  return { telemetry, asking, space: await spaces.of(org) };
}
