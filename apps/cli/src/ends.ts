import type { Reply } from "@holdfast/client";
import type { routes } from "@holdfast/protocol";
import { clipped } from "./text.ts";
import type { Tools } from "./tools.ts";

type Ends = Reply<typeof routes.previewRevocation>;

/** What something would end or refuse now. */
export function showEnds(ends: Ends, what: string, { print }: Tools, would = "would end"): void {
  print.thing(ends, [
    [would, what],
    ...ends.credentials.items.map(({ id, kind, name }) => ["", clipped(`${id} ${kind} ${name}`, 80)] as const),
    ["open now", connections(ends)],
    ["devices behind them", String(ends.devices.count)],
    ...ends.devices.items.map((device) => ["", device] as const),
  ]);
}

export const others = (count: number): string => (count === 0 ? "" : ` and ${count} that hang on it`);

const connections = ({ connections: { mqtt, eventStreams, webSockets } }: Ends): string =>
  `${counted(mqtt, "MQTT connection")}, ${counted(eventStreams, "event stream")}, ${counted(webSockets, "WebSocket")}`;

export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
