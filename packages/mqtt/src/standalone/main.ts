import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Broker } from "../broker.ts";
import { openPolicy } from "./policy.ts";
import { parseOptions, usage } from "./options.ts";
import { systemTime } from "./system-time.ts";

const host = "127.0.0.1";

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port)); // a TCP server has an AddressInfo
  });
}

async function main(): Promise<void> {
  const { port, tls, deny, maximumKeepAlive } = parseOptions(process.argv.slice(2));
  const broker = new Broker({
    policy: openPolicy(deny, maximumKeepAlive),
    time: systemTime,
    newClientId: () => randomUUID(),
    reportFault: (fault) => console.error(fault),
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
  console.log(`MQTT broker ready: ${line}`);

  const stop = async () => {
    for (const server of servers) server.close();
    await broker.close();
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop());
}

main().catch((fault: unknown) => {
  console.error(fault instanceof Error ? fault.message : fault);
  console.error(usage);
  process.exit(2);
});
