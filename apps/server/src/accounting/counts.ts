/** What is counted. Messages and bytes are those of MQTT, event streams and WebSockets; of HTTP the bytes are those of the bodies. */
export const counted = [
  "connections",
  "messagesIn",
  "messagesOut",
  "bytesIn",
  "bytesOut",
  "requests",
  "points",
] as const;
export type Counted = (typeof counted)[number];

export type Counts = { -readonly [Name in Counted]: number };

/** Of one connection: the part that its record has, too. */
export type Traffic = Pick<Counts, "messagesIn" | "messagesOut" | "bytesIn" | "bytesOut">;

export const nothing = (): Counts => ({
  connections: 0,
  messagesIn: 0,
  messagesOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  requests: 0,
  points: 0,
});

export const silence = (): Traffic => ({ messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 });

export function add(to: Counts, more: Readonly<Partial<Counts>>): void {
  for (const name of counted) to[name] += more[name] ?? 0;
}
