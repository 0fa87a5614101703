import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { uuidOf, type Id } from "@holdfast/kernel";
import type { Result } from "../result.ts";
import type { Readings } from "../ingest/readings.ts";
import type { History } from "./history.ts";

/** As many points in a request, and as many connections, as its makers advise to write with. */
const batch = 5_000;
const connections = 4;

/** InfluxDB 1.x as Debian has it, on a disk, each write flushed before it is answered. */
export class Influx {
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: connections });

  private constructor(given: { version: string; child: ChildProcess; folder: string; port: number }) {
    this.version = given.version;
    this.#child = given.child;
    this.#folder = given.folder;
    this.#port = given.port;
  }

  /** `undefined` where it is not installed. It lies in a folder of its own within the given one. */
  static async open(within: string): Promise<Influx | undefined> {
    const { status, stdout } = spawnSync("influxd", ["version"], { encoding: "utf8" });
    if (status !== 0) return undefined;
    const folder = mkdtempSync(path.join(within, "influx-"));
    const [port, other] = [await freePort(), await freePort()];
    const file = path.join(folder, "influxdb.conf");
    for (const name of ["meta", "data", "wal"]) mkdirSync(path.join(folder, name));
    writeFileSync(
      file,
      `reporting-disabled = true
bind-address = "127.0.0.1:${other}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
  wal-fsync-delay = "0s"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
  max-body-size = 0
`,
    );
    const child = spawn("influxd", ["-config", file], { stdio: "ignore" });
    const version = /v?\d+\.\d+\.\d+\S*/.exec(stdout)?.[0] ?? "of an unknown version";
    const influx = new Influx({ version, child, folder, port });
    for (let tries = 0; ; tries += 1) {
      try {
        await influx.#ask("POST", "/query?q=CREATE%20DATABASE%20bench");
        return influx;
      } catch (error) {
        if (tries === 100) {
          await influx.close();
          throw error;
        }
        await wait(100);
      }
    }
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    if (this.#child.exitCode === null && this.#child.kill("SIGTERM")) await once(this.#child, "exit");
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Lines of some points each, over all connections; over when all are answered. */
  async write(texts: Iterable<Buffer>): Promise<void> {
    const left = texts[Symbol.iterator]();
    const load = async (): Promise<void> => {
      for (let next = left.next(); !next.done; next = left.next())
        await this.#ask("POST", "/write?db=bench&precision=ms", next.value);
    };
    await Promise.all(Array.from({ length: connections }, load));
  }

  /** What `keepRows` keeps, in its own way. */
  async keep(histories: readonly History[]): Promise<void> {
    await this.write(linesOf(histories));
  }

  /** The mean of each hour of each of these devices. */
  hours(devices: readonly Id<"device">[], { from, to }: { from: number; to: number }): Promise<unknown> {
    const which = devices.length === 1 ? ` AND device = '${devices.map(uuidOf).join()}'` : "";
    const text = `SELECT mean(value) FROM history WHERE time >= ${from}ms AND time < ${to}ms${which} GROUP BY time(1h), device`;
    return this.#ask("GET", `/query?db=bench&epoch=ms&q=${encodeURIComponent(text)}`);
  }

  #ask(method: string, place: string, body?: Buffer): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = request({ host: "127.0.0.1", port: this.#port, method, path: place, agent: this.#agent });
      call.on("error", reject);
      call.on("response", (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(parts).toString();
          if ((response.statusCode ?? 500) < 300) resolve(text === "" ? undefined : JSON.parse(text));
          else reject(new Error(`InfluxDB answered ${response.statusCode}: ${text.slice(0, 200)}`));
        });
      });
      call.end(body);
    });
  }
}

/** What a row says of it. */
export const besideInflux = (found: number, ratio: number, goal: number | undefined): Result["rows"][number] => ({
  InfluxDB: found,
  "ratio to it": ratio,
  ...(goal && { "goal beside it": `≥ ${goal} ×` }),
});

/** The points of `ingest`, as many in a request as advised: the devices take turns. */
export function linesOfReadings(devices: readonly Id<"device">[], rounds: ReturnType<Readings["next"]>): Buffer[] {
  const lines: string[] = [];
  for (let message = 0; message < (rounds[0]?.length ?? 0); message++)
    for (const [at, device] of devices.entries())
      for (const { time, value } of rounds[at]?.[message] ?? [])
        lines.push(`reading,device=${uuidOf(device)} temperature=${value} ${time}\n`);
  const texts: Buffer[] = [];
  for (let at = 0; at < lines.length; at += batch) texts.push(Buffer.from(lines.slice(at, at + batch).join("")));
  return texts;
}

function* linesOf(histories: readonly History[]): Generator<Buffer> {
  for (const { device, start, count, period } of histories) {
    const name = `history,device=${uuidOf(device)} value=`;
    for (let at = 0; at < count; at += batch) {
      let text = "";
      for (let n = at; n < Math.min(count, at + batch); n++) {
        const value = (20 + 5 * Math.sin(n / 1_000) + ((n * 7_919) % 101) / 100).toFixed(2);
        text += `${name}${value} ${start + n * period + ((n * 31) % 9) - 4}\n`;
      }
      yield Buffer.from(text);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // a TCP server that listens has one
  server.close();
  await once(server, "close");
  return port;
}
