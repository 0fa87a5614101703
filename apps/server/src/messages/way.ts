import type { TlsVersion } from "@holdfast/protocol";
import type { Came } from "../authority/index.ts";

const numbers: Readonly<Record<TlsVersion, number>> = { "TLSv1.2": 0x0303, "TLSv1.3": 0x0304 }; // RFC 8446, 4.2.1

/** The groups that we agree to, as IANA numbers them (TLS Supported Groups). Of any other its number is shown. */
const groups: Readonly<Record<number, { readonly name: string; readonly isHybrid: boolean }>> = {
  0x0017: { name: "P-256", isHybrid: false },
  0x001d: { name: "X25519", isHybrid: false },
  0x11ec: { name: "X25519MLKEM768", isHybrid: true },
};

/** Over which TLS a device came. */
export type Tls = { readonly version: TlsVersion; readonly group: string | undefined; readonly isHybrid: boolean };

/** The same in one number, because it is held of every device: the version, and the group behind it. 0 where it is not known. */
export const wayOf = (came: Pick<Came, "tls" | "group"> | undefined): number =>
  came?.tls === undefined ? 0 : numbers[came.tls] * 0x1_0000 + (came.group ?? 0);

/** There are few, and lists ask for that of every device. */
const known = new Map<number, Tls | undefined>();

export function tlsOfWay(way: number): Tls | undefined {
  if (!known.has(way)) known.set(way, read(way));
  return known.get(way);
}

function read(way: number): Tls | undefined {
  const version = Math.floor(way / 0x1_0000);
  const spoken = version === numbers["TLSv1.3"] ? "TLSv1.3" : version === numbers["TLSv1.2"] ? "TLSv1.2" : undefined;
  if (!spoken) return undefined;
  const number = way % 0x1_0000;
  const group = groups[number];
  const name = group?.name ?? (number === 0 ? undefined : `0x${number.toString(16).padStart(4, "0")}`);
  return { version: spoken, group: name, isHybrid: group?.isHybrid ?? false };
}
