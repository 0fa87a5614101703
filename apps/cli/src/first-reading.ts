import type { Place } from "./connection.ts";
import { printable } from "./text.ts";

const reading = quoted(`{"temperature": 21.5}`);

/** The lines that send a reading with this key, to be typed into a shell as they are; none when the platform's authority has no file to name. */
export function readingLines(place: Place, key: { readonly id: string; readonly secret: string }): string[] {
  const { url, ca, caFile, mqttsUrl } = place;
  if (ca !== undefined && caFile === undefined) return [];
  const [curlTrust, mosquittoTrust] =
    caFile === undefined
      ? [[], ["--tls-use-os-certs"]]
      : [
          ["--cacert", caFile],
          ["--cafile", caFile],
        ];
  // Who was not told takes the usual port of the usual protocol.
  const { hostname, port } = new URL(mqttsUrl ?? `mqtts://${new URL(url).hostname}`);
  const host = hostname.replace(/^\[|\]$/g, "");
  const address = `${url.replace(/\/+$/, "")}/v1/me/telemetry`;
  const headers = ["-H", `X-Auth-Token: ${key.id}.${key.secret}`, "-H", "Content-Type: application/json"];
  const words = [
    ["curl", ...curlTrust, address, ...headers, "-d"],
    ["mosquitto_pub", ...mosquittoTrust, "-h", host, "-p", port || "8883", "-u", key.id, "-P", key.secret, "-q", "1"],
  ] as const;
  const [curl, mosquitto] = words.map((line) => line.map(quoted).join(" "));
  return [`${curl} ${reading}`, `${mosquitto} -t me/telemetry -m ${reading}`].map(printable);
}

/** One word of a shell, whatever is in it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
