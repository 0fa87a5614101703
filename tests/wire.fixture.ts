import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A wire between a device and the platform that a test cuts, and joins again. */
export type Wire = {
  readonly url: string;
  /** Ends what goes over it, and lets nothing more over. */
  cut(): void;
  join(): void;
  close(): void;
};

export async function startWire(platformUrl: string): Promise<Wire> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(Number(new URL(platformUrl).port), "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
      one.pipe(other);
    }
    sockets.add(near);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens
  const end = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    url: `mqtts://localhost:${port}`,
    cut() {
      isCut = true;
      end();
    },
    join: () => void (isCut = false),
    close() {
      end();
      server.close();
    },
  };
}
