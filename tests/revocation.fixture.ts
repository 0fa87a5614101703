import { once } from "node:events";
import { request } from "node:https";
import tls from "node:tls";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { asOwner, type FreshDatabase, type TestPlatform } from "../apps/server/src/testing/index.ts";
import { heldUp } from "./pauses.fixture.ts";

/** Something that a credential holds open: what came over it, and when it was closed. */
export type Held = {
  readonly name: string;
  /** All that came, as text. */
  seen(): string;
  /** Resolves with the moment of `performance.now()` at which it was closed. */
  readonly closed: Promise<number>;
  end(): void;
};

/** When it is over, whatever went wrong before: `once` would fail with the first error. */
const closing = (of: { once(event: "close", listener: () => void): unknown }): Promise<number> =>
  new Promise((resolve) => of.once("close", () => resolve(performance.now())));

const watched = (device: string | undefined): string => `/v1/live${device === undefined ? "" : `?device=${device}`}`;

/** A credential, or the headers that a browser shows instead. */
type Shown = string | Readonly<Record<string, string>>;
const headersOf = (shown: Shown) => (typeof shown === "string" ? { "x-auth-token": shown } : shown);

/** Server-sent events of one device, or of all that may be read. */
export async function events({ platform }: TestPlatform, shown: Shown, device?: string): Promise<Held> {
  const call = request(new URL(watched(device), platform.url), {
    ca: platform.caPem,
    headers: headersOf(shown),
    agent: false,
  });
  call.end();
  const [response] = await once(call, "response");
  if (response.statusCode !== 200) throw new Error(`the stream answered ${response.statusCode}`);
  let text = "";
  response.setEncoding("utf8").on("data", (part: string) => (text += part));
  response.on("error", () => undefined); // an end like any other
  const closed = closing(response);
  return { name: "event stream", seen: () => text, closed, end: () => call.destroy() };
}

/** The same over a WebSocket, without a client's code between: the frames of a server are not masked (RFC 6455, 5.1). */
export async function webSocket({ platform }: TestPlatform, shown: Shown, device?: string): Promise<Held> {
  const { port } = new URL(platform.url);
  const socket = tls.connect({
    host: "127.0.0.1",
    servername: "localhost",
    port: Number(port),
    ca: platform.caPem ?? "",
  });
  let text = "";
  socket.setEncoding("latin1").on("data", (part) => {
    text += String(part);
    // A close frame (opcode 8): answered, as 5.5.1 wants, by one of ours, masked by nothing.
    if (text.includes("\x88\x02\x03\xe8")) socket.end(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
  });
  socket.on("error", () => undefined); // an end like any other
  await once(socket, "secureConnect");
  const lines = [
    `GET ${watched(device)} HTTP/1.1`,
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...Object.entries(headersOf(shown)).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const closed = closing(socket);
  while (!text.includes("\r\n\r\n")) await once(socket, "data");
  if (!text.startsWith("HTTP/1.1 101")) throw new Error(text.slice(0, 100));
  return { name: "WebSocket", seen: () => text, closed, end: () => void socket.destroy() };
}

export type Subscribed = Held & {
  readonly client: MqttClient;
  /** It found its session again. */ readonly resumed: boolean;
};

export async function mqtt(
  { platform }: TestPlatform,
  { over = "mqtts", ...options }: IClientOptions & { over?: "mqtts" | "wss" },
): Promise<Subscribed> {
  const url = over === "mqtts" ? platform.mqttsUrl : `${platform.url.replace("https", "wss")}/mqtt`;
  const ca = platform.caPem ?? "";
  const client = connect(url, { ca, rejectUnauthorized: true, reconnectPeriod: 0, keepalive: 0, ...options });
  let text = "";
  // Listening from the start: what waits for a session comes right behind the CONNACK.
  client.on("message", (topic, payload) => (text += `${topic} ${payload.toString()}\n`));
  const resumed = await new Promise<boolean>((resolve, reject) => {
    client.once("connect", ({ sessionPresent }) => resolve(sessionPresent));
    client.on("error", reject); // later ones are an end like any other
  }).catch((error: unknown) => {
    client.end(true);
    throw error;
  });
  const closed = closing(client);
  const name = `MQTT ${options.protocolVersion === 5 ? "5" : "3.1.1"} over ${over}`;
  return { name, client, resumed, seen: () => text, closed, end: () => void client.end(true) };
}

/** Waits until each has shown this. A WebSocket is open before it watches, so what is to be seen is sent until it is. */
export async function shown(held: readonly Held[], value: number, send: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + 10_000;
  await send();
  for (const { name, seen } of held) {
    while (!seen().includes(String(value))) {
      if (performance.now() > until) throw new Error(`${name} has not shown ${value}, only ${seen()}`);
      await send();
      await new Promise(setImmediate);
    }
  }
}

/**
 * Waits for an end; fails when there is none in time, and, as long again at most, in what others had the processor for. Where all that is over before
 * anybody waits, what is under way may arrive yet.
 */
export async function closedWithin(held: Held, from: number, milliseconds: number): Promise<number> {
  const closed = held.closed.then((at) => at - from);
  const left = () => from + milliseconds + Math.min(heldUp(from), milliseconds) - performance.now();
  for (let rest = Math.max(left(), 50); rest > 0; rest = left()) {
    const timer = Promise.withResolvers<undefined>();
    const running = setTimeout(() => timer.resolve(undefined), rest);
    const took = await Promise.race([closed, timer.promise]);
    clearTimeout(running);
    if (took !== undefined) return took;
  }
  throw new Error(`${held.name} is open after ${milliseconds} ms`);
}

/** A copy of the whole database, as a backup is. Nobody may be using it. */
export async function backupOf(database: FreshDatabase): Promise<FreshDatabase> {
  const { login } = database;
  const name = `${login.database}_backup`;
  const maintenance = { ...login, database: "postgres" };
  await asOwner(maintenance, `create database ${name} template ${login.database}`);
  return {
    ...database,
    login: { ...login, database: name },
    url: database.url.replace(login.database, name),
    drop: () => asOwner(maintenance, `drop database if exists ${name} with (force)`),
  };
}
