import type { SocketMode, TlsVersion, Transport } from "@holdfast/protocol";
import type { Manufactured } from "./manufacturer.ts";

/** How somebody came, which does not change while the connection stands. What is `undefined` is not known, and decides nothing. */
export type Circumstances = {
  /** As it is compared: an IPv4 address is one however it was written. */
  readonly address: string | undefined;
  readonly transport: Transport | undefined;
  readonly tls: TlsVersion | undefined;
  /** The group of the key exchange, as IANA numbers it. Nothing is decided by it. */
  readonly group?: number | undefined;
  /** Of a direct socket: what protects the frame. */
  readonly socket?: SocketMode | undefined;
  /** Of which site the page is that asks (RFC 6454); "none" where a program does. */
  readonly origin: string | undefined;
  /** What spoke for the credential: its secret alone, its key besides, or the cookie of a browser's session. */
  readonly proof: "secret" | "key" | "session" | undefined;
  /** The device itself, as the birth certificate says which was shown for it. */
  readonly manufactured?: Manufactured | undefined;
  /** The digest of the secret that was shown: a credential may have two, and the older one ends first. */
  readonly shown?: Uint8Array | undefined;
};

/** What a listener knows of a connection. */
export type Came = Omit<Circumstances, "proof"> & {
  /** The client's certificate (DER), whose key it proved in the handshake. */
  readonly certificate?: Uint8Array | undefined;
};

/** Somebody, of whom nothing is known: the platform at work, or a question that does not say. */
export const unsaid: Circumstances = {
  address: undefined,
  transport: undefined,
  tls: undefined,
  origin: undefined,
  proof: undefined,
};

/** Nobody is there: a session that is kept for whoever comes back, a credential in a list. Whoever comes is judged when he comes. */
export const nobody = undefined;

/** As a socket says it; all of ours speak TLS 1.2 or 1.3. */
export const cameBy = (
  transport: Transport,
  address: string,
  tls: string | null | undefined,
  origin: string | undefined,
): Came => ({
  address: plainAddress(address),
  transport,
  tls: tls === "TLSv1.3" || tls === "TLSv1.2" ? tls : undefined,
  origin: origin ?? "none",
});

/** A frame by itself: there is no connection that could prove anything. */
export const cameBySocket = (socket: SocketMode, address: string): Came => ({
  ...cameBy("socket", address, undefined, undefined),
  socket,
});

/** RFC 4291, 2.5.5.2: what came over IPv4 to a port that speaks both. A zone says only which cable it was. */
export function plainAddress(address: string): string | undefined {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  return plain === "" ? undefined : plain;
}
