import { isIP } from "node:net";
import type { Network } from "./listeners/index.ts";

/**
 * An address, or a network in CIDR notation (RFC 4632): "10.0.0.7", "10.1.0.0/16", "2001:db8::/32". `undefined` for anything else, and for a
 * network of everybody.
 */
export function parseNetwork(text: string): Network | undefined {
  const [address = "", bits, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || address.includes("%") || more.length > 0) return undefined;
  const most = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  if ((bits !== undefined && !/^\d{1,3}$/.test(bits)) || prefix < 1 || prefix > most) return undefined;
  return { address, prefix, family: version === 4 ? "ipv4" : "ipv6" };
}
