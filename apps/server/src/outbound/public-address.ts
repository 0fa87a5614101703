import { BlockList, isIP } from "node:net";

/**
 * What is nobody's on the internet at large (IANA's registries of special-purpose addresses, RFC 6890): this machine, the house that it is
 * in, its neighbours on the cable, documentation, multicast, and what is kept for later.
 */
const special4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
] as const;

/** Of 2000::/3, the only addresses of IPv6 that are anybody's: protocols' own, among them tunnels to addresses of IPv4, and documentation. */
const special6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"] as const;

/** RFC 6052: where a network has only IPv6, these lead to the address of IPv4 that stands in the last four bytes. */
const translated = "64:ff9b::";
const translatedPrefix = 96;

const special = new BlockList();
const global = new BlockList();
for (const network of special4) {
  const { address, prefix } = partsOf(network);
  special.addSubnet(address, prefix, "ipv4"); // and so ::ffff:0:0/96, which Node takes for the address that is mapped
  special.addSubnet(`${translated}${address}`, translatedPrefix + prefix, "ipv6");
}
for (const network of special6) {
  const { address, prefix } = partsOf(network);
  special.addSubnet(address, prefix, "ipv6");
}
global.addSubnet("2000::", 3, "ipv6");
global.addSubnet(translated, translatedPrefix, "ipv6");
global.addSubnet("0.0.0.0", 0, "ipv4");

/** Whether an address may be anybody's on the internet, so that a call to it reaches nothing inside the house. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 0 || address.includes("%")) return false; // a zone is a cable of this machine
  const family = version === 4 ? "ipv4" : "ipv6";
  return global.check(address, family) && !special.check(address, family);
}

function partsOf(network: string): { readonly address: string; readonly prefix: number } {
  const [address = "", prefix] = network.split("/");
  return { address, prefix: Number(prefix) };
}
