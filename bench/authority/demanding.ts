import { days, type Door } from "@holdfast/protocol";

const hex = (at: number): string => at.toString(16).padStart(32, "0");
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);

/** A door with all that a door can say of messages, and that lets in whoever comes in these benchmarks. Messages go out as they came, and to
 * nobody from whom an attribute is hidden: so none is. */
export const door: Door = {
  transports: ["mqtts"],
  tls: "TLSv1.3",
  proof: "secret",
  allow: { addresses: ["127.0.0.0/8"], kinds: ["accessKey", "apiToken"] },
  deny: { addresses: ["192.0.2.0/24", "198.51.100.0/24"], kinds: ["applicationUser"] },
  writable: ["temperature", "humidity"],
  rate: { perMinute: 60_000 },
  size: 4_096,
  hours: [
    { days: [...days], from: "00:00", to: "12:00", zone: "Europe/Berlin" },
    { days: [...days], from: "12:00", to: "24:00", zone: "Europe/Berlin" },
  ],
};

export type Denied = { readonly what: "address" | "topic"; readonly value: string };

/** A thousand entries of the deny list, as many as there may be, and none of them about anybody here. */
export const denied: readonly Denied[] = [
  ...range(500).map((at) => ({ what: "address" as const, value: `10.${at >> 8}.${at & 255}.0/24` })),
  ...range(500).map((at) => ({ what: "topic" as const, value: `devices/dev_${hex(at + 1_000)}/#` })),
];
