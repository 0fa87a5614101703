import { isIP } from "node:net";
import { plainAddress } from "./circumstances.ts";

/** Addresses that begin with the same bits. IPv4 is a family of its own, however its addresses are written. */
export type Network = { readonly family: 4 | 6; readonly prefix: number; readonly value: bigint };

const bitsOf = { 4: 32, 6: 128 } as const;
const mappedPrefix = 96; // RFC 4291, 2.5.5.2: ::ffff:0:0/96 are the addresses of IPv4

/** An address, or a network in CIDR notation (RFC 4632). A sentence for anything else, a network of everybody and bits behind the prefix included. */
export function parseNetwork(text: string): Network | string {
  const [address = "", bits, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || address.includes("%") || more.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) {
    return "not an address or network such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32";
  }
  const written = version === 4 ? 4 : 6;
  const asked = bits === undefined ? bitsOf[written] : Number(bits);
  if (asked > bitsOf[written]) return `a prefix of IPv${written} has at most ${bitsOf[written]} bits`;
  const { family, value } = numberOf(address);
  const prefix = family === written ? asked : asked - mappedPrefix;
  if (prefix <= 0) return "a network of everybody: leave addresses out instead";
  const network = { family, prefix, value: masked(value, family, prefix) };
  return network.value === value ? network : `it has bits behind its prefix: write ${formatNetwork(network)}`;
}

/** Of texts that were read once, so that each is a network. */
export const networksOf = (texts: readonly string[]): readonly Network[] =>
  texts.map(parseNetwork).filter((one) => typeof one !== "string");

/** Whether every address of `inner` is one of `outer`. */
export const includes = (outer: Network, inner: Network): boolean =>
  outer.family === inner.family &&
  outer.prefix <= inner.prefix &&
  masked(inner.value, inner.family, outer.prefix) === outer.value;

/** One address, as `plainAddress` writes it, for whoever asks many networks about it. */
export function networkAt(address: string): Network {
  const { family, value } = numberOf(address);
  return { family, value, prefix: bitsOf[family] };
}

/** How much of an address is kept where it has to tell what came from one place, and not who: what one site has. */
const bitsOfPlace = { 4: 24, 6: 48 } as const;

/** The place that an address is in, as `plainAddress` writes it: its /24, or its /48. */
export const placeOf = (address: string): string => formatNetwork(partOf(address, bitsOfPlace));

/** Hosts of IPv6 take other addresses in their network as they like (RFC 8981). */
const bitsOfHost = { 4: 32, 6: 64 } as const;

/** What one host has: its address, or its /64. */
export const hostOf = (address: string): Network => partOf(address, bitsOfHost);

function partOf(address: string, bits: Readonly<Record<4 | 6, number>>): Network {
  const { family, value } = numberOf(address);
  const prefix = bits[family];
  return { family, prefix, value: masked(value, family, prefix) };
}

/**
 * One address for each part of a network that the others tell apart: whatever they are used for, all addresses of a part are answered alike.
 * `undefined` where there are more than `most`.
 */
export function partsOf(whole: Network, others: readonly Network[], most: number): readonly string[] | undefined {
  const { family } = whole;
  const starts = new Set([whole.value]);
  for (const other of others) {
    if (other.prefix <= whole.prefix || !includes(whole, other)) continue;
    const behind = other.value + (1n << BigInt(bitsOf[family] - other.prefix));
    for (const start of [other.value, behind]) if (isIn(whole, start)) starts.add(start);
    if (starts.size > most) return undefined;
  }
  return [...starts].map((value) => formatNetwork({ family, prefix: bitsOf[family], value }));
}

const isIn = ({ family, prefix, value }: Network, address: bigint): boolean =>
  masked(address, family, prefix) === value;

/** As `plainAddress` writes it. */
export const isAddressOf = (network: Network, address: string): boolean => includes(network, networkAt(address));

/** The one spelling of a network (RFC 5952). */
export function formatNetwork({ family, prefix, value }: Network): string {
  const address = family === 4 ? dotted(value) : colons(value);
  return prefix === bitsOf[family] ? address : `${address}/${prefix}`;
}

const masked = (value: bigint, family: 4 | 6, prefix: number): bigint => {
  const behind = BigInt(bitsOf[family] - prefix);
  return (value >> behind) << behind;
};

function numberOf(address: string): Pick<Network, "family" | "value"> {
  const plain = plainAddress(address) ?? "";
  if (isIP(plain) === 4) return { family: 4, value: dottedValue(plain) };
  const value = colonsValue(plain);
  return value >> 32n === 0xffffn ? { family: 4, value: value & 0xffff_ffffn } : { family: 6, value };
}

const dottedValue = (text: string): bigint => text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);

function colonsValue(text: string): bigint {
  const quad = /\d+\.\d+\.\d+\.\d+$/.exec(text)?.[0];
  const last = quad === undefined ? undefined : dottedValue(quad);
  const plain =
    quad === undefined || last === undefined
      ? text
      : `${text.slice(0, -quad.length)}${(last >> 16n).toString(16)}:${(last & 0xffffn).toString(16)}`;
  const [head = "", tail] = plain.split("::", 2);
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const [before, behind] = [groups(head), groups(tail ?? "")];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - behind.length }, () => "0");
  return [...before, ...zeros, ...behind].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

const dotted = (value: bigint): string => [24n, 16n, 8n, 0n].map((by) => String((value >> by) & 0xffn)).join(".");

function colons(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16));
  const text = groups.join(":");
  // The longest run of zeros, the first of equals; never a single one.
  const [longest] = [...text.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)].toSorted((a, b) => b[0].length - a[0].length);
  if (!longest) return text;
  const before = text.slice(0, longest.index).replace(/:$/, "");
  const behind = text.slice(longest.index + longest[0].length).replace(/^:/, "");
  return `${before}::${behind}`;
}
