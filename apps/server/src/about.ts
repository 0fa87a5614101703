import { statSync } from "node:fs";
import { rfc3339, type Clock, type Id, type Instant } from "@holdfast/kernel";
import type { platformFacts } from "@holdfast/protocol";
import type { z } from "zod";
import type { Post } from "./identity/index.ts";
import type { ScheduledBackups } from "./scheduled-backups.ts";
import type { Keyring, Storage } from "./storage/index.ts";
import type { ChunkCare } from "./telemetry/index.ts";
import { tlsFacts, type CertificateInfo, type Certificates } from "./tls/index.ts";
import { version } from "./version.ts";

/** The settings that it tells of. */
type Setting = {
  readonly host: string;
  readonly publicNames: readonly string[];
  readonly data: string;
  readonly keys: string;
  readonly keyringUrl: string | undefined;
  readonly maximumMessage: number;
};

type Needs = {
  readonly config: Setting;
  readonly certificates: Certificates;
  readonly keyring: Pick<Keyring, "status" | "ages">;
  readonly backups: Pick<ScheduledBackups, "facts">;
  readonly storage: Pick<Storage, "isFull">;
  readonly chunkCare: Pick<ChunkCare, "isMoveHeldUp">;
  readonly clock: Pick<Clock, "now">;
  readonly post: Pick<Post, "by" | "waiting" | "trouble">;
  readonly ports: {
    readonly https: number;
    readonly mqtts: number;
    readonly clientCertificate: number | undefined;
    readonly udp: number | undefined;
    readonly tcp: number | undefined;
  };
};

export type PlatformFacts = z.input<typeof platformFacts>;

/** A name that is in the certificate. */
export function nameOf({ host, publicNames }: Pick<Setting, "host" | "publicNames">): string {
  const local = host === "0.0.0.0" || host === "::" || host === "127.0.0.1" || host === "::1";
  return publicNames[0] ?? (local ? "localhost" : host);
}

/** Where this machine reaches what listens there: an address that stands for all of them is none to connect to. */
export function listeningOn(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

/** Whether whoever takes the disk of the data has the keys too. */
export const areKeysBesideData = ({ keyringUrl, keys, data }: Pick<Setting, "keyringUrl" | "keys" | "data">): boolean =>
  keyringUrl === undefined && statSync(keys).dev === statSync(data).dev;

/** How the platform runs now. The names of folders are for whoever runs it: they say something of its machine. */
export async function aboutPlatform(
  { config, certificates, keyring, backups, storage, chunkCare, clock, post, ports }: Needs,
  org: Id<"org">,
  reader: "a member" | "whoever runs it",
): Promise<PlatformFacts> {
  const [{ backedUpAt, keysSinceBackup }, ages, waiting] = await Promise.all([
    keyring.status(),
    keyring.ages(org),
    post.waiting(),
  ]);
  const { caPem } = certificates;
  const name = nameOf(config);
  const besideData = areKeysBesideData(config);
  const place = config.keyringUrl !== undefined ? "postgresql" : besideData ? "folder beside the data" : "folder";
  return {
    version,
    url: `https://${name}:${ports.https}`,
    mqttsUrl: `mqtts://${name}:${ports.mqtts}`,
    ...(ports.clientCertificate !== undefined && {
      clientCertificateUrl: `https://${name}:${ports.clientCertificate}`,
    }),
    ...(caPem !== undefined && { caPem }),
    tls: tlsFacts,
    certificates: [certificates.status().certificate, ...certificates.list()].map(shown),
    keys: {
      place,
      besideData,
      ...(backedUpAt !== undefined && { backedUpAt: rfc3339(backedUpAt) }),
      newSinceBackup: keysSinceBackup,
      ...staleBecause(backedUpAt, ages.lasting, clock.now()),
      made: {
        organisation: made(ages.org),
        root: made(ages.root),
        lasting: made(ages.lasting),
        passing: made(ages.passing),
      },
    },
    backups: backupFacts(backups),
    storage: { isFull: storage.isFull, isMoveHeldUp: chunkCare.isMoveHeldUp },
    listeners: [
      {
        protocol: "https",
        port: ports.https,
        transports: ["HTTP/2", "HTTP/1.1", "server-sent events", "WebSocket", "MQTT over WebSocket", "MQTT (ALPN)"],
      },
      ...(ports.clientCertificate === undefined
        ? []
        : [
            {
              protocol: "https" as const,
              port: ports.clientCertificate,
              transports: ["HTTP with a client certificate"],
            },
          ]),
      { protocol: "mqtts", port: ports.mqtts, transports: ["MQTT 5", "MQTT 3.1.1"] },
      ...(ports.udp === undefined ? [] : [{ protocol: "udp" as const, port: ports.udp, transports: frames }]),
      ...(ports.tcp === undefined ? [] : [{ protocol: "tcp" as const, port: ports.tcp, transports: frames }]),
    ],
    mail: { by: post.by, waiting, isTaken: post.trouble === undefined },
    limits: { maximumMessage: config.maximumMessage },
    ...(reader === "whoever runs it" && {
      folders: { data: config.data, ...(config.keyringUrl === undefined && { keys: config.keys }) },
    }),
  };
}

/** Without TLS: where no door opens them they are refused. */
const frames = ["frames of direct sockets"];

/** In milliseconds. */
const keysBackupLife = 30 * 24 * 3_600_000;

/** Why a copy of the keys is to be replaced by a newer one, and destroyed. */
function staleBecause(
  at: Instant | undefined,
  lasting: Awaited<ReturnType<Keyring["ages"]>>["lasting"],
  now: Instant,
): { readonly stale?: "erasure" | "age" } {
  if (at === undefined) return {};
  // With each erasure the key that wraps the lasting ones is made anew.
  if (lasting?.known === "exactly" && lasting.at > at) return { stale: "erasure" };
  return now - at > keysBackupLife ? { stale: "age" } : {};
}

function backupFacts({ facts: { every, lastGood, isLate } }: Pick<ScheduledBackups, "facts">) {
  return {
    ...(every !== undefined && { everyHours: every / 3_600_000 }),
    ...(lastGood !== undefined && { lastAt: rfc3339(lastGood) }),
    isLate,
  };
}

const made = (age: Awaited<ReturnType<Keyring["ages"]>>["root"]) => age && { at: rfc3339(age.at), known: age.known };

const shown = ({ purpose, name, state, sha256, notBefore, notAfter }: CertificateInfo) => ({
  what: purpose,
  subject: name,
  state,
  sha256,
  notBefore: rfc3339(notBefore),
  notAfter: rfc3339(notAfter),
});
