import type { Server } from "node:net";
import { Refusal } from "@holdfast/kernel";

/** @throws Refusal `port.taken`, or `config.malformed` for an address or port that this process cannot have */
export function listen(server: Server, place: { what: string; host: string; port: number }): Promise<void> {
  const { what, host, port } = place;
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(unlistened(cause, `${what} wants ${host}:${port}.`)));
    server.listen(port, host, resolve);
  });
}

/** Why a port could not be had. */
export function unlistened(cause: NodeJS.ErrnoException, wish: string): Error {
  switch (cause.code) {
    case "EADDRINUSE":
      return new Refusal("port.taken", { cause, detail: wish });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new Refusal("config.malformed", {
        cause,
        detail: `${wish} This machine has no such address: mend --host.`,
      });
    case "EACCES":
      return new Refusal("config.malformed", {
        cause,
        detail: `${wish} Ports below 1024 are for root: start as root, or choose another.`,
      });
    default:
      return new Refusal("config.malformed", {
        cause,
        detail: `${wish} The system does not give it (${cause.code}): choose another.`,
      });
  }
}
