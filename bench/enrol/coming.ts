import { once } from "node:events";
import { connect, type ConnectionOptions } from "node:tls";

/** One device that comes: where to, what it shows in the handshake, and what it sends. */
export type Comer = {
  readonly tls: ConnectionOptions;
  readonly path: string;
  readonly authorization?: string;
  /** A request for a certificate: PKCS #10 in base64. */
  readonly body: string;
};

/** Milliseconds from the first byte of TCP to the last of the answer; each has a connection of its own and shakes hands in full. */
export async function enrolAll(
  comers: readonly Comer[],
  atOnce: number,
): Promise<{ latencies: Float64Array; seconds: number }> {
  const latencies = new Float64Array(comers.length);
  const queue = comers.entries();
  const began = performance.now();
  const work = async () => {
    for (const [at, comer] of queue) {
      const since = performance.now();
      await enrol(comer);
      latencies[at] = performance.now() - since;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { latencies, seconds: (performance.now() - began) / 1_000 };
}

async function enrol({ tls, path, authorization, body }: Comer): Promise<void> {
  const socket = connect({ ...tls, host: "127.0.0.1", servername: "localhost", ALPNProtocols: ["http/1.1"] });
  let text = "";
  socket.setEncoding("latin1").on("data", (part: string) => (text += part));
  socket.write(
    [
      `POST ${path} HTTP/1.1`,
      "Host: localhost",
      "Connection: close",
      "Content-Type: application/pkcs10",
      `Content-Length: ${body.length}`,
      ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
      "",
      body,
    ].join("\r\n"),
  );
  await once(socket, "close");
  if (!text.startsWith("HTTP/1.1 200"))
    throw new Error(`Enrolling answered ${text.slice(0, 12)}: ${text.slice(text.indexOf("\r\n\r\n") + 4)}`);
}

/** Handshakes and nothing else, `count` of them. */
export async function shakeHands(tls: ConnectionOptions, count: number, atOnce: number): Promise<void> {
  let left = count;
  const work = async () => {
    while (left-- > 0) {
      const socket = connect({ ...tls, host: "127.0.0.1", servername: "localhost" });
      socket.resume();
      await once(socket, "close");
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
