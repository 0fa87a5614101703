import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import https from "node:https";
import net from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { connectAsync } from "mqtt";
import { frameOf, type Sent } from "@holdfast/crypto/testing";
import { startPlatform, type Platform } from "../mqtt/platform.ts";
import type { Result } from "../result.ts";
import { json, line, named, numbered, secretsOf } from "./devices.ts";

/** What a way in takes: bytes of IP packets, both directions, of one reading where all is set up, and where nothing is. */
type Taken = { readonly way: string; readonly kept: number | undefined; readonly fresh: number | undefined };

const readings = 10;

/** In a network of its own, where nobody else's packets are: started again there by `unshare`. */
export async function wires(): Promise<{ rows: Result["rows"]; note: string }> {
  const command = `ip link set lo up && exec '${process.execPath}' '${import.meta.filename}'`;
  const child = spawn("unshare", ["--net", "sh", "-c", command], { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (more: Buffer) => (out += more.toString()));
  const failed = once(child, "error").then(() => [1]);
  const [code] = (await Promise.race([once(child, "close"), failed])) as [number];
  if (code !== 0)
    return {
      rows: [],
      note: "Bytes on the wire need a network of their own (unshare, as root), which is not to be had here.",
    };
  const rows = (JSON.parse(out) as Taken[]).map(({ way, kept, fresh }) => ({
    what: `bytes on the wire: ${way}`,
    ...(kept !== undefined && { "one more reading": kept }),
    ...(fresh !== undefined && { "a connection for each": fresh }),
  }));
  const note = `Bytes of IPv4 packets on the loopback of a network of their own, both directions, TCP's own acknowledgements included: means of ${readings} readings ${json}.`;
  return { rows, note };
}

/** IP bytes that have passed so far: each packet is counted once as it leaves, and on the loopback without a head of Ethernet. */
function passed(): number {
  const fields =
    readFileSync("/proc/net/dev", "utf8")
      .match(/lo:\s*(.*)/)?.[1]
      ?.trim()
      .split(/\s+/)
      .map(Number) ?? [];
  return fields[8] ?? Number.NaN;
}

/** A delayed acknowledgement comes after 40 ms; what closes a connection a little later. */
const settle = () => wait(120);

async function taken(work: () => Promise<unknown>, times: number): Promise<number> {
  await settle();
  const before = passed();
  for (let at = 0; at < times; at++) {
    await work();
    await settle();
  }
  return Math.round((passed() - before) / times);
}

async function overHttps({ url, ca, devices }: Platform): Promise<Taken> {
  const key = devices[0]!.key; // one was made
  const post = (agent: https.Agent) =>
    new Promise<void>((resolve, reject) => {
      const headers = { "content-type": "application/json", "x-auth-token": `${key.id}.${key.secret}` };
      const request = https.request(`${url}/v1/me/telemetry`, { method: "POST", agent, ca, headers });
      request
        .on("response", (response) => response.resume().on("end", resolve))
        .on("error", reject)
        .end(json);
    });
  const agent = new https.Agent({ keepAlive: true });
  await post(agent);
  const kept = await taken(() => post(agent), readings);
  agent.destroy();
  const fresh = await taken(async () => {
    const own = new https.Agent({ keepAlive: false, maxCachedSessions: 0 });
    await post(own);
    own.destroy();
  }, readings);
  return { way: "HTTPS (TLS 1.3, HTTP/1.1)", kept, fresh };
}

async function overMqtt({ port, ca, devices }: Platform): Promise<Taken> {
  const { key } = devices[0]!; // one was made
  const login = {
    ca,
    username: key.id,
    password: key.secret,
    protocolVersion: 5,
    clientId: "d",
    keepalive: 600,
  } as const;
  const come = () => connectAsync(`mqtts://localhost:${port}`, login);
  const publish = (client: Awaited<ReturnType<typeof come>>) => client.publishAsync("me/telemetry", json, { qos: 1 });
  const client = await come();
  await publish(client);
  const kept = await taken(() => publish(client), readings);
  await client.endAsync();
  const fresh = await taken(async () => {
    const one = await come();
    await publish(one);
    await one.endAsync();
  }, readings);
  return { way: "MQTT 5 over TLS 1.3, QoS 1", kept, fresh };
}

async function overSockets(platform: Platform): Promise<Taken[]> {
  const [secret] = await secretsOf(platform);
  if (!secret) throw new Error("a secret was made");
  let counter = 100; // one byte or two, as usually
  const frame = (more: Partial<Sent>) =>
    frameOf({ ...secret, boot: 1, counter: counter++, payload: numbered, ...more });
  const socket = createSocket("udp4");
  const send = async (bytes: Uint8Array, isAnswered: boolean) => {
    socket.send(bytes, platform.udpPort, "127.0.0.1");
    if (isAnswered) await once(socket, "message");
  };
  await send(frame({}), true);
  counter = 200;
  const udp = async (way: string, make: () => Uint8Array, isAnswered: boolean): Promise<Taken> => ({
    way: `UDP, ${way}: a frame of ${make().length}`,
    kept: await taken(() => send(make(), isAnswered), readings),
    fresh: undefined,
  });
  const plainly = new TextEncoder().encode(`${secret.address.toString(16).padStart(12, "0")} `);
  const all = [
    await udp("sealed, numbers for names", () => frame({}), true),
    await udp("the same, no answer wanted", () => frame({ wantsAnswer: false }), false),
    await udp("sealed, CBOR with names", () => frame({ payload: named }), true),
    await udp("signed, numbers for names", () => frame({ mode: "signed" }), true),
    await udp("signed, a line of text", () => frame({ mode: "signed", isText: true, payload: line }), true),
    await udp("plain text, never answered", () => new Uint8Array([...plainly, ...line]), false),
  ];
  socket.close();
  const connect = async () => {
    const made = net.connect(platform.tcpPort, "127.0.0.1");
    await once(made, "connect");
    return made;
  };
  const write = async (to: net.Socket) => {
    const bytes = frame({});
    to.write(Uint8Array.of(bytes.length >> 8, bytes.length & 255, ...bytes));
    await once(to, "data");
  };
  const tcp = await connect();
  const kept = await taken(() => write(tcp), readings);
  tcp.destroy();
  const fresh = await taken(async () => {
    const one = await connect();
    await write(one);
    one.end();
    await once(one, "close");
  }, readings);
  return [...all, { way: "TCP, sealed, numbers for names", kept, fresh }];
}

if (process.argv[1] === import.meta.filename) {
  const start = (program: string, args: readonly string[]) =>
    spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const platform = await startPlatform({ start }, 1, { more: ["--udp-port", "0", "--tcp-port", "0"] });
  try {
    const found = [await overHttps(platform), await overMqtt(platform), ...(await overSockets(platform))];
    process.stdout.write(JSON.stringify(found));
  } finally {
    await platform.stop();
  }
}
