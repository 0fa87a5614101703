import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import path from "node:path";
import type { ConnectionOptions } from "node:tls";
import { newKeyAndRequest } from "@holdfast/client";
import { Visitor } from "../apps/server/src/testing/visitor.ts";
import { Manufacturer } from "../tests/manufacturers.fixture.ts";
import { enrolAll, shakeHands, type Comer } from "./enrol/coming.ts";
import { flushTime, median, quantile } from "./ingest/cost.ts";
import { openPlace, type Place } from "./mqtt/place.ts";
import { startPlatform, type Platform } from "./mqtt/platform.ts";
import { cpuOf } from "./mqtt/server.ts";
import type { Result } from "./result.ts";

const devices = 10_000;
const births = 1_000;
const atOnce = 16;
/** Of each key: a credential has 2,000 requests at once. */
const ofOneKey = 1_000;
const floors = 3;
const ofFloor = 200;

/** Devices that enrol by EST over TLS of their own, beside what a handshake and a signature alone cost on the same core. */
export async function run(): Promise<Result> {
  const requests = await requestsOf(devices + births);
  const place = await openPlace();
  const stack = new AsyncDisposableStack();
  stack.defer(() => place.close());
  try {
    const floor = await Floor.start(place);
    stack.defer(() => floor.stop());
    const platform = await startPlatform(place, 1, { more: ["--client-certificate-port", "0"] });
    stack.defer(() => platform.stop());
    const prepared = await prepare(platform, requests);

    const before = await floor.measure(requests);
    const byKey = await measured(platform, prepared.byKey);
    const between = await floor.measure(requests);
    const byBirth = await measured(platform, prepared.byBirth);
    const after = await floor.measure(requests);
    const all = [...before, ...between, ...after];
    const signing = median(all.map(({ signed }) => signed));
    const shaking = median(all.map(({ shaken }) => shaken));
    const least = 1 / (1 / signing + 1 / shaking);
    return {
      name: "enrol",
      rows: [
        { ...rowOf(`${devices.toLocaleString("en")} by enrolment keys`, byKey), "of the floor": byKey.perCpu / least },
        {
          ...rowOf(`${births.toLocaleString("en")} by birth certificates`, byBirth),
          "of the floor": byBirth.perCpu / least,
        },
        {
          what: "floor: a request read and signed",
          "per server CPU s": signing,
          "slowest to fastest": span(all.map(({ signed }) => signed)),
        },
        {
          what: "floor: a handshake",
          "per server CPU s": shaking,
          "slowest to fastest": span(all.map(({ shaken }) => shaken)),
        },
        { what: "floor: both", "per server CPU s": least },
      ],
      notes: [
        `Each device comes with a key pair of P-256 and a request made beforehand, ${atOnce} at once: TCP, a handshake in full (TLS 1.3, X25519MLKEM768), POST simpleenroll, the answer, and the end. Milliseconds are from the first byte to the last. All are of one organisation, whose changes have their turn one after the other; each is a device, a credential, a certificate and two audit entries in one commit, after a key of its own is durable in the keyring.`,
        `Server CPU is of the platform's own process; the database had ${byKey.database.toFixed(2)} s for each thousand by key, on the same core. The floor is what this platform's own code takes for a request (its signature checked, a certificate signed by @peculiar/x509, PKCS #7) and for a handshake, alone in a process on that core, in ${floors} turns before, between and after; both is one after the other.`,
        `A flush took ${flushTime(place.folder).toFixed(2)} ms. ${place.note}`,
      ],
    };
  } finally {
    await stack.disposeAsync();
  }
}

type Measured = {
  readonly perCpu: number;
  readonly perSecond: number;
  readonly latencies: Float64Array;
  /** CPU seconds for each thousand. */
  readonly database: number;
};

const rowOf = (what: string, { perCpu, perSecond, latencies }: Measured) => ({
  what,
  "per server CPU s": perCpu,
  "slowest to fastest": "",
  "per second": perSecond,
  "p50 ms": quantile(latencies, 0.5),
  "p99 ms": quantile(latencies, 0.99),
});

const span = (all: readonly number[]): string =>
  `${Math.round(Math.min(...all)).toLocaleString("en")} – ${Math.round(Math.max(...all)).toLocaleString("en")}`;

async function measured(platform: Platform, comers: readonly Comer[]): Promise<Measured> {
  const before = { cpu: platform.cpu(), database: platform.databaseCpu() };
  const { latencies, seconds } = await enrolAll(comers, atOnce);
  const cpu = platform.cpu() - before.cpu;
  const database = ((platform.databaseCpu() - before.database) / comers.length) * 1_000;
  return { perCpu: comers.length / cpu, perSecond: comers.length / seconds, latencies, database };
}

const requestsOf = async (count: number): Promise<string[]> => {
  const all: string[] = [];
  for (let at = 0; at < count; at++) all.push((await newKeyAndRequest()).csr);
  return all;
};

const bodyOf = (request: string): string => request.replaceAll(/-----[A-Z ]+-----\n/g, "");

/** Keys and a manufacturer of one organisation, and whoever comes by them. */
async function prepare(platform: Platform, requests: readonly string[]): Promise<{ byKey: Comer[]; byBirth: Comer[] }> {
  const visitor = new Visitor(platform.url, platform.ca);
  try {
    const me = visitor.as(platform.token);
    const { items } = await me.get<{ items: { id: string }[] }>("/v1/applications");
    const application = items[0]?.id ?? "";
    const product = await me.post<{ id: string }>("/v1/products", { name: "Pump" });
    const conditions = { rate: { perMinute: 60_000, burst: 60_000 } };
    const byKey: Comer[] = [];
    for (let from = 0; from < devices; from += ofOneKey) {
      const body = { name: `line ${from}`, kind: "enrolment", enrols: { product: product.id }, conditions };
      const { id, secret } = await me.post<{ id: string; secret: string }>(
        `/v1/applications/${application}/keys`,
        body,
      );
      const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
      const tls = { port: Number(new URL(platform.url).port), ca: platform.ca };
      for (const request of requests.slice(from, Math.min(from + ofOneKey, devices)))
        byKey.push({ tls, path: "/.well-known/est/simpleenroll", authorization, body: bodyOf(request) });
    }
    const path = `/v1/applications/${application}/manufacturers`;
    const acme = await Manufacturer.of(performance.timeOrigin);
    const { certificate } = acme;
    const { nonce, text } = await me.post<{ nonce: string; text: string }>(`${path}/nonce`, { certificate });
    const asked = { name: "Acme", product: product.id, certificate, nonce, signature: acme.sign(text), conditions };
    await me.post(path, asked);
    const byBirth: Comer[] = [];
    for (const [at, request] of requests.slice(devices).entries()) {
      const { cert, key } = await acme.birth(`SN-${at}`);
      const tls: ConnectionOptions = { port: platform.certificatePort, ca: platform.ca, cert, key };
      byBirth.push({ tls, path: `/.well-known/est/${product.id}/simpleenroll`, body: bodyOf(request) });
    }
    return { byKey, byBirth };
  } finally {
    await visitor.close();
  }
}

/** The process that does the least. */
class Floor {
  readonly #child: ChildProcess;
  readonly #tls: ConnectionOptions;

  private constructor(child: ChildProcess, tls: ConnectionOptions) {
    this.#child = child;
    this.#tls = tls;
  }

  static async start(place: Place): Promise<Floor> {
    const program = path.join(import.meta.dirname, "enrol/floor.ts");
    const child = place.start(process.execPath, [program, place.certFile, place.keyFile], "inherit", "ipc");
    const [{ port }] = (await once(child, "message")) as [{ port: number }]; // by floor.ts
    return new Floor(child, { port, ca: place.ca });
  }

  /** Both, for each second of its CPU, so many times. */
  async measure(requests: readonly string[]): Promise<{ signed: number; shaken: number }[]> {
    const found: { signed: number; shaken: number }[] = [];
    for (let turn = 0; turn < floors; turn++) {
      this.#child.send(requests.slice(0, ofFloor));
      const [{ signed, cpu }] = (await once(this.#child, "message")) as [{ signed: number; cpu: number }]; // by floor.ts
      const before = cpuOf(this.#child.pid ?? 0);
      await shakeHands(this.#tls, ofFloor, atOnce);
      found.push({ signed: signed / cpu, shaken: ofFloor / (cpuOf(this.#child.pid ?? 0) - before) });
    }
    return found;
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, "exit");
    this.#child.disconnect();
    await gone;
  }
}
