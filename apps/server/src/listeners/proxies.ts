import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Timers } from "@holdfast/kernel";
import { isAddressOf, type Network } from "../authority/index.ts";
import { longest, readHeader, type Flaw, type Header, type Origin } from "./proxy-header.ts";

const headerDeadline = 5_000; // milliseconds; it is the first thing that a proxy sends

/** Where a header that says no address comes from: the unspecified address is nobody's, and not this machine's (RFC 4291, 2.5.2). */
const nowhere = { address: "::", port: 0 };

/** The proxies that pass connections on, by their declared addresses: what they say of where a client comes from counts, and only that. */
export class Proxies {
  readonly #timers: Timers;
  readonly #declared: readonly Network[];

  constructor(needs: { readonly timers: Timers; readonly declared: readonly Network[] }) {
    this.#timers = needs.timers;
    this.#declared = needs.declared;
  }

  include(address: string): boolean {
    return this.#declared.some((network) => isAddressOf(network, address));
  }

  /**
   * Reads what a proxy sends ahead. Afterwards `socket` says the client's address in place of the proxy's, what came behind the header is
   * there to be read, and `done` is called; `flawed` where there is no good header in time. Neither, when the proxy hangs up.
   */
  receive(socket: Socket, done: () => void, flawed: (flaw: Flaw | "late") => void): void {
    let heard: Buffer = Buffer.alloc(0);
    const hangUp = () => socket.destroy(); // a reset is as good as an end
    const late = this.#timers.after(headerDeadline, () => end(() => flawed("late")));
    const stop = () => late.cancel();
    const end = (next: () => void) => {
      stop();
      socket.off("readable", read);
      socket.off("error", hangUp);
      socket.off("close", stop);
      next();
    };
    const read = () => {
      for (let part: Buffer | null; (part = socket.read() as Buffer | null) !== null;) {
        heard = heard.length === 0 ? part : Buffer.concat([heard, part]);
        const header = readHeader(heard.subarray(0, longest));
        if (header === "more") continue;
        if (typeof header === "string") return end(() => flawed(header));
        return end(() => goOn(socket, header, heard, done));
      }
    };
    socket.on("error", hangUp);
    socket.on("close", stop);
    socket.on("readable", read);
  }
}

function goOn(socket: Socket, { origin, length }: Header, heard: Buffer, done: () => void): void {
  comesFrom(socket, origin);
  if (heard.length > length) socket.unshift(heard.subarray(length));
  done();
}

function comesFrom(socket: Socket, origin: Origin): void {
  if (origin.of === "proxy") return;
  say(socket, origin.of === "client" ? origin : nowhere);
}

/** A TLS connection comes from where the connection below it says that it comes from. */
export function comesFromWhere(secure: TLSSocket, { remoteAddress, remotePort }: Socket): void {
  if (remoteAddress !== undefined && secure.remoteAddress !== remoteAddress)
    say(secure, { address: remoteAddress, port: remotePort ?? 0 });
}

/** In the one place that everybody reads it from: who reads another would see the proxy. */
function say(socket: Socket, { address, port }: { address: string; port: number }): void {
  const family = address.includes(":") ? "IPv6" : "IPv4";
  for (const [name, value] of [
    ["remoteAddress", address],
    ["remotePort", port],
    ["remoteFamily", family],
  ] as const)
    Object.defineProperty(socket, name, { value, configurable: true });
}
