import { readFileSync } from "node:fs";
import { createServer } from "node:tls";
import type { AddressInfo } from "node:net";
import { systemClock, systemRandom, type Instant } from "@holdfast/kernel";
import { settings } from "../../apps/server/src/tls/settings.ts";
import { Signing } from "../../apps/server/src/tls/signing.ts";

// What a certificate costs at least, in a process of its own on the server's core: a handshake, and a request that is read and signed by
// `@peculiar/x509`, as the platform does it; and nothing else, no database, no HTTP, no authority.
const [certFile = "", keyFile = ""] = process.argv.slice(2);
const server = createServer({ ...settings, cert: readFileSync(certFile), key: readFileSync(keyFile) }, (socket) => {
  socket.on("error", () => {}); // whoever has shaken hands may go
  socket.end();
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
process.send?.({ port: (server.address() as AddressInfo).port }); // a TCP server that listens has an AddressInfo

const day = 86_400_000;
const signing = new Signing({ random: systemRandom });
const now = systemClock.now();
const ends = { notBefore: (now - day) as Instant, notAfter: (now + 90 * day) as Instant };
const authority = await signing.newAuthority({ commonName: "Benchmark", ...ends });

/** As many certificates as there are requests, one after the other. */
async function sign(requests: readonly string[]): Promise<{ signed: number; cpu: number }> {
  const before = process.cpuUsage();
  for (const request of requests) {
    const key = await signing.keyIn(request);
    if (!key) throw new Error("A request is none.");
    const { certificate } = await signing.certify(authority, { commonName: "device", ...ends, key });
    await signing.bundle([certificate]);
  }
  const { user, system } = process.cpuUsage(before);
  return { signed: requests.length, cpu: (user + system) / 1e6 };
}

process.on("message", (requests: readonly string[]) => void sign(requests).then((told) => process.send?.(told)));
process.on("disconnect", () => process.exit(0));
