import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect as connectHttp2, type ClientHttp2Session, type OutgoingHttpHeaders, type Settings } from "node:http2";
import path from "node:path";
import tls from "node:tls";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import type { TestPlatform } from "../apps/server/src/testing/index.ts";

export type Place = { readonly url: string; readonly ca: string; readonly port: number; readonly mqttPort: number };

export function placeOf({ platform }: TestPlatform): Place {
  const { url, mqttsUrl, caPem = "" } = platform;
  return { url, ca: caPem, port: Number(new URL(url).port), mqttPort: Number(new URL(mqttsUrl).port) };
}

/** A stock client on a clock that is moved. */
export const connected = (
  { platform }: TestPlatform,
  key: { readonly id: string; readonly secret: string },
  options: IClientOptions = {},
): Promise<MqttClient> =>
  connectAsync(platform.mqttsUrl, {
    ca: platform.caPem ?? "",
    reconnectPeriod: 0,
    // The client's own clock is not the test's: nobody pings in time.
    keepalive: 0,
    username: key.id,
    password: key.secret,
    ...options,
  }).then((client) => client.on("error", () => {})); // how a connection ends is what is looked at

/** A TLS connection whose bytes are the test's own. */
export async function dial({ ca }: Place, port: number, options: tls.ConnectionOptions = {}) {
  const socket = tls.connect({ host: "127.0.0.1", servername: "localhost", port, ca, ...options });
  let text = "";
  socket.setEncoding("latin1").on("data", (part) => (text += part));
  await once(socket, "secureConnect");
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  socket.on("error", () => {}); // a reset is as good as an end
  socket.on("close", () => resolve());
  const more = () => new Promise((heard) => socket.once("data", heard));
  return {
    socket,
    seen: () => text,
    /** Everything that came until the other side hung up. */
    async toTheEnd(): Promise<string> {
      await closed;
      return text;
    },
    /** Until so much of an answer is there, or nothing comes any more. */
    async until(pattern: RegExp): Promise<string> {
      while (!pattern.test(text) && !socket.closed) await Promise.race([more(), closed]);
      return text;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** Sends bytes as HTTP/1.1 and answers what came back until the server hung up. */
export async function say(place: Place, bytes: string | Uint8Array): Promise<string> {
  using line = await dial(place, place.port, { ALPNProtocols: ["http/1.1"] });
  line.socket.write(bytes);
  return await line.toTheEnd(); // or the line would be gone before
}

export type Http2Answer = { status: number; headers: Record<string, unknown>; text: string };

export function http2(
  { url, ca }: Place,
  settings: Settings = {},
): { session: ClientHttp2Session; ask: typeof ask; [Symbol.dispose](): void } {
  const lenient = { strictSingleValueFields: false }; // so that a test sends what nobody should; Node's types do not have it
  const session = connectHttp2(url, { ca, settings, ...lenient });
  session.on("error", () => {}); // seen by the requests
  function ask(headers: OutgoingHttpHeaders, body?: string | Uint8Array): Promise<Http2Answer> {
    return new Promise((resolve, reject) => {
      const stream = session.request(headers, { endStream: body === undefined });
      let answer: Record<string, unknown> = {};
      let text = "";
      stream.on("response", (got) => (answer = got));
      stream.setEncoding("utf8").on("data", (part: string) => (text += part));
      stream.on("error", (error) => (answer[":status"] === undefined ? reject(error) : undefined));
      stream.on("close", () => resolve({ status: Number(answer[":status"]), headers: answer, text }));
      if (body !== undefined) stream.end(body);
    });
  }
  return { session, ask, [Symbol.dispose]: () => session.destroy() };
}

/** `undefined` where the machine has no such program. Both are run without looking at the user's own settings. */
export async function run(
  program: string,
  args: readonly string[],
): Promise<{ code: number; out: string } | undefined> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      if (error && "code" in error && error.code === "ENOENT") return resolve(undefined);
      if (error && typeof error.code !== "number") return reject(error);
      resolve({ code: Number(error?.code ?? 0), out: stdout + stderr });
    });
  });
}

/** The platform's authority as a file, for programs that want one. */
export function caFile({ platform, database }: TestPlatform): string {
  const file = path.join(database.folder, "trusted.pem");
  writeFileSync(file, platform.caPem ?? "");
  return file;
}
