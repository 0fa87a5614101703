export type Connections = { readonly mqtt: number; readonly eventStreams: number; readonly webSockets: number };

export const isNone = ({ mqtt, eventStreams, webSockets }: Connections): boolean =>
  mqtt + eventStreams + webSockets === 0;

export const listed = ({ mqtt, eventStreams, webSockets }: Connections): string =>
  [
    mqtt > 0 && (mqtt === 1 ? "1 MQTT connection" : `${mqtt} MQTT connections`),
    eventStreams > 0 && (eventStreams === 1 ? "1 live stream" : `${eventStreams} live streams`),
    webSockets > 0 && (webSockets === 1 ? "1 WebSocket" : `${webSockets} WebSockets`),
  ]
    .filter((part) => part !== false)
    .join(", ");

export const inWords = (n: number) => n.toLocaleString("en", { maximumFractionDigits: 1 });

export const sizeOf = (bytes: number): string =>
  bytes < 1024
    ? `${bytes} bytes`
    : bytes < 1 << 20
      ? `${inWords(bytes / 1024)} KiB`
      : `${inWords(bytes / (1 << 20))} MiB`;

export function spanOf(seconds: number): string {
  if (seconds >= 2 * 86_400) return `${inWords(seconds / 86_400)} days`;
  if (seconds >= 2 * 3_600) return `${inWords(seconds / 3_600)} hours`;
  return seconds >= 120 ? `${inWords(seconds / 60)} minutes` : `${seconds} seconds`;
}
