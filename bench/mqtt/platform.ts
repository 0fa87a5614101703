import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { databaseCpu } from "../ingest/cost.ts";
import { populate, type Device } from "../ingest/populate.ts";
import type { Place } from "./place.ts";
import { cpuOf } from "./server.ts";

/** The whole platform as `npm start` starts it, with its PostgreSQL, and devices that may come. */
export type Platform = {
  readonly pid: number;
  readonly url: string;
  readonly port: number;
  /** Of direct sockets, where it was started with ports for them. */
  readonly udpPort: number;
  readonly tcpPort: number;
  /** For clients that show a certificate over HTTPS, where it was started with one. */
  readonly certificatePort: number;
  readonly ca: string;
  readonly devices: readonly Device[];
  /** Of its owner. */
  readonly token: string;
  /** Seconds of CPU of its own process, and of all of PostgreSQL's. */
  cpu(): number;
  databaseCpu(): number;
  stop(): Promise<void>;
};

type Ready = {
  readonly pid: number;
  readonly url: string;
  readonly mqttsUrl: string;
  readonly udpUrl?: string;
  readonly tcpUrl?: string;
  readonly clientCertificateUrl?: string;
  readonly caFile: string;
  readonly setupLink: string;
};

const main = path.join(import.meta.dirname, "../../apps/server/src/main.ts");

const portOf = (url: string | undefined): number => (url === undefined ? Number.NaN : Number(new URL(url).port));

/** `preload` is a module that is loaded before it, `more` are options of the platform. */
export async function startPlatform(
  place: Pick<Place, "start">,
  devices: number,
  { preload, more = [] }: { readonly preload?: string; readonly more?: readonly string[] } = {},
): Promise<Platform> {
  const folder = mkdtempSync(path.join(tmpdir(), "bench-platform-"));
  chmodSync(folder, 0o711); // started by root, platform and database go on as others, who must get through
  const readyFile = path.join(folder, "ready.json");
  const data = path.join(folder, "data");
  const where = [
    "--data",
    data,
    "--ready-file",
    readyFile,
    "--https-port",
    "0",
    "--mqtts-port",
    "0",
    "--no-demo",
    ...more,
  ];
  const before = preload === undefined ? [] : ["--import", preload];
  const child = place.start(process.execPath, [...before, main, ...where], "pipe");
  let log = "";
  child.stderr?.on("data", (text: Buffer) => (log += text.toString()));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  try {
    while (!existsSync(readyFile)) {
      if (child.exitCode !== null) throw new Error(`The platform did not start: ${log}`);
      await wait(50); // a file that another process writes has no event for us
    }
    const ready = JSON.parse(readFileSync(readyFile, "utf8")) as Ready; // it wrote it
    const { pid, url, mqttsUrl, udpUrl, tcpUrl, clientCertificateUrl, caFile, setupLink } = ready;
    const ca = readFileSync(caFile, "utf8");
    const made = await populate({ url, ca, setupLink }, devices);
    const [line = ""] = readFileSync(path.join(data, "postgres", "cluster", "postmaster.pid"), "utf8").split("\n");
    const postmaster = Number(line);
    return {
      pid,
      url,
      port: portOf(mqttsUrl),
      udpPort: portOf(udpUrl),
      tcpPort: portOf(tcpUrl),
      certificatePort: portOf(clientCertificateUrl),
      ca,
      devices: made.devices,
      token: made.token,
      cpu: () => cpuOf(pid),
      databaseCpu: () => databaseCpu(postmaster),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
