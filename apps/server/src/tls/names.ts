import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { domainToASCII } from "node:url";
import { Refusal } from "@holdfast/kernel";

/** By what the platform can be reached: the options that say so, and what the machine is called. */
export type Reachable = {
  /** `--host`: an address to listen on. */
  readonly host: string;
  /** `--public-name`, any number of times. */
  readonly publicNames: readonly string[];
  readonly machine: { readonly hostname: string; readonly addresses: readonly string[] };
};

/** What this machine is called and which addresses it has now, loopback and link-local ones left out. */
export function thisMachine(): Reachable["machine"] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const addresses = all
    .filter((a) => !a.internal && !a.address.toLowerCase().startsWith("fe80:"))
    .map((a) => a.address);
  return { hostname: hostname(), addresses };
}

/**
 * The names that belong into the certificate, each once, in the form that a certificate holds.
 * Addresses of the network only when the platform listens on all of them: a certificate is read by strangers.
 * Refuses `config.malformed` when a public name is neither a host name nor an address.
 */
export function expectedNames({ host, publicNames, machine }: Reachable): string[] {
  const names = new Set(["localhost", "127.0.0.1", "::1"]);
  const add = (text: string) => {
    const name = parseName(text);
    // A machine may be called something that no certificate can hold ("my_laptop"); it is then reached by another name.
    if (name !== undefined) names.add(name);
  };
  add(machine.hostname);
  if (host === "0.0.0.0" || host === "::") machine.addresses.forEach(add);
  else add(host);
  for (const text of publicNames) {
    const name = parseName(text);
    if (name === undefined) {
      const detail = `--public-name ${JSON.stringify(text)} is neither a host name nor an IP address.`;
      throw new Refusal("config.malformed", { detail });
    }
    names.add(name);
  }
  return [...names];
}

// RFC 1123 section 2.1 (letters, digits, hyphens), RFC 1034 section 3.1 (63 and 253), RFC 9525 section 6.3 (* is a whole first label).
const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/** A host name in lower case and ASCII, or an address in its shortest form; `undefined` for anything else. */
export function parseName(text: string): string | undefined {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (isIP(bare) === 4) return bare;
  if (isIP(bare) === 6) {
    if (bare.includes("%")) return undefined; // a zone means something on one machine only
    return new URL(`http://[${bare}]`).hostname.slice(1, -1);
  }
  const wildcard = text.startsWith("*.") ? "*." : "";
  const ascii = domainToASCII(text.slice(wildcard.length)).replace(/\.$/, "");
  const labels = ascii.split(".");
  if (ascii.length + wildcard.length > 253 || !labels.every((part) => label.test(part))) return undefined;
  // "300.1.2.3" and "0x7f.1" look like host names but are read as addresses by some clients (WHATWG URL, "ends in a number").
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "")) return undefined;
  return wildcard + ascii;
}
