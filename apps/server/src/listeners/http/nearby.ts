import { BlockList } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4"); // RFC 1122, 3.2.1.3
loopback.addAddress("::1", "ipv6");

/** How proxies say that they ask for somebody else: RFC 7239, RFC 9110, 7.6.3, and what was there before. */
const ofProxies = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

/**
 * Whether a request comes from the machine that the platform runs on. A proxy there that says nothing of itself looks the same: SECURITY.md
 * tells its operator.
 */
export function isFromThisMachine(address: string, headers: Readonly<Record<string, unknown>>): boolean {
  if (ofProxies.some((name) => headers[name] !== undefined)) return false;
  return loopback.check(address, address.includes(":") ? "ipv6" : "ipv4"); // it knows ::ffff:127.0.0.1 too
}
