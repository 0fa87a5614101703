import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import tls from "node:tls";
import { systemClock, systemRandom } from "@holdfast/kernel";
import { TestClock } from "../testing/clock.ts";
import { Certificates, type CertificateEvent, type CertificateNeeds, type SecretPlace } from "./index.ts";
import { newKeys, selfSign, signServer, type Signed } from "./sign.ts";

/** The machine's time when the tests began: Node's clients compare certificates with that and cannot be told another. */
export const start = systemClock.now();

/** The clock stands elsewhere all at once: nobody who waits for time to pass is woken. */
export const jump = (clock: TestClock, milliseconds: number): void => clock.set(clock.now() + milliseconds);

/** Remembers in memory. */
export class Pocket implements SecretPlace {
  readonly kept = new Map<string, Uint8Array>();
  writes = 0;
  isBroken = false;

  async secret(name: string): Promise<Uint8Array | undefined> {
    return this.kept.get(name);
  }

  async keepSecret(name: string, bytes: Uint8Array): Promise<void> {
    if (this.isBroken) throw new Error("the pocket has a hole");
    this.writes += 1;
    this.kept.set(name, bytes);
  }
}

export type World = {
  certificates: Certificates;
  clock: TestClock;
  secrets: Pocket;
  events: CertificateEvent[];
};

export async function world(changes: Partial<CertificateNeeds> & { clock?: TestClock; secrets?: Pocket } = {}) {
  const clock = changes.clock ?? new TestClock(start);
  const secrets = changes.secrets ?? new Pocket();
  const events: CertificateEvent[] = [];
  const names = ["localhost", "127.0.0.1", "::1"];
  const report = (event: CertificateEvent) => events.push(event);
  const certificates = await Certificates.open({
    random: systemRandom,
    names,
    report,
    ...changes,
    clock,
    timers: clock,
    secrets,
  });
  return { certificates, clock, secrets, events } satisfies World;
}

/** A TLS server on a free port that says "hello" to whoever comes and repeats what it is told. */
export async function listening(certificates: Certificates, changes: tls.TlsOptions = {}) {
  const options = { ...certificates.serverOptions(["mqtt"]), ...changes };
  const server = tls.createServer(options, (socket) => {
    socket.on("error", () => socket.destroy()); // clients in these tests hang up as they like
    socket.write("hello");
    socket.pipe(socket);
  });
  certificates.attach(server, options);
  return serve(server);
}

/** Listens on a free port of this machine until disposed of, which ends every connection. */
export async function serve<S extends Server>(server: S) {
  const open = new Set<Socket>();
  server.on("connection", (socket) => void open.add(socket.once("close", () => open.delete(socket))));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens on a TCP port
  const close = () =>
    new Promise<void>((done) => {
      server.close(() => done());
      for (const socket of open) socket.destroy();
    });
  return { server, port, close, [Symbol.asyncDispose]: close };
}

/** Connects, and answers once the server's greeting is there: by then a TLS 1.3 ticket has come, too. */
export async function connect(port: number, options: tls.ConnectionOptions, ready: "data" | "secureConnect" = "data") {
  const socket = tls.connect({ port, host: "127.0.0.1", ...options });
  let session: Buffer | undefined;
  socket.on("session", (bytes) => (session = bytes));
  await once(socket, ready);
  return {
    socket,
    serial: socket.getPeerX509Certificate()?.serialNumber,
    isResumed: socket.isSessionReused(),
    session: () => session,
    async echo(text: string): Promise<string> {
      socket.write(text);
      const [data] = (await once(socket, "data")) as [Buffer]; // no encoding is set
      return data.toString();
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** What another authority, an operator's, would have signed: valid from `start` for ten days. */
export async function operatorCertificate(names: readonly string[] = ["localhost"], from: number = start) {
  const validity = { notBefore: from - 3_600_000, notAfter: from + 10 * 86_400_000 };
  const root = await selfSign(await newKeys(), { commonName: "Operator's root", ...validity }, systemRandom);
  const leaf = await signServer(root, { commonName: "Operator's server", names, ...validity }, systemRandom);
  return { root, leaf } satisfies Record<string, Signed>;
}
