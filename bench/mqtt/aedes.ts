import { readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Aedes } from "aedes";

// The broker that most programs of Node use, as its documentation starts it. In a process of its own, as a peer to be measured beside.
const [certFile = "", keyFile = ""] = process.argv.slice(2);
// Its types do not know that a broker says its version.
const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.resolve("aedes")), "utf8")) as {
  version: string;
};
const broker = await Aedes.createBroker();
const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile), minVersion: "TLSv1.3", noDelay: true } as const;
const servers: Server[] = [createServer({ noDelay: true }, broker.handle), createTlsServer(tls, broker.handle)];
const ports = servers.map(async (server) => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port; // a TCP server that listens has an AddressInfo
});
const [plain, secure] = await Promise.all(ports);
process.stdout.write(`aedes ${version} at mqtt://127.0.0.1:${plain} mqtts://127.0.0.1:${secure}\n`);
