import { readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Broker } from "../broker.ts";
import { openPolicy } from "./policy.ts";
import { parseOptions, usage } from "./options.ts";
import { systemTime } from "../system-time.ts";

const host = "127.0.0.1";
const say = (stream: NodeJS.WriteStream, line: string) => stream.write(`${line}\n`);

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port)); // a TCP server has an AddressInfo
  });
}

async function main(): Promise<void> {
  const { port, tls, deny, maximumKeepAlive } = parseOptions(process.argv.slice(2));
  let assigned = 0;
  const broker = new Broker({
    policy: openPolicy(deny, maximumKeepAlive),
    time: systemTime,
    // Unique as long as the sessions live: both are in the memory of this process.
    newClientId: () => `assigned-${++assigned}`,
    reportFault: (fault) =>
      say(process.stderr, fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)),
  });
  const accept = (socket: Socket, name: string) => {
    broker.accept(socket, { remoteAddress: socket.remoteAddress ?? "", secure: name === "mqtts", name });
  };

  const servers: Server[] = [];
  const plain = createServer({ noDelay: true }, (socket) => accept(socket, "mqtt"));
  servers.push(plain);
  let line = `mqtt://${host}:${await listen(plain, port)}`;
  if (tls) {
    const files = { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
    const secure = createTlsServer({ ...files, noDelay: true }, (socket) => accept(socket, "mqtts"));
    servers.push(secure);
    line += ` mqtts://${host}:${await listen(secure, tls.port)}`;
  }
  say(process.stdout, `MQTT broker ready: ${line}`);

  const stop = async () => {
    for (const server of servers) server.close();
    await broker.close();
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop());
}

main().catch((fault: unknown) => {
  say(process.stderr, fault instanceof Error ? fault.message : String(fault));
  say(process.stderr, usage);
  process.exit(2);
});
