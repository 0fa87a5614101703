import { parseSocketSecret, type SocketSecret } from "@holdfast/crypto";
import { Visitor } from "../../apps/server/src/testing/visitor.ts";
import type { Platform } from "../mqtt/platform.ts";

/** Opens the doors of all devices, whatever the mode, and makes a secret for each, with numbers for two attributes. */
export async function secretsOf({ url, ca, token, devices }: Platform): Promise<SocketSecret[]> {
  const visitor = new Visitor(url, ca);
  try {
    const me = visitor.as(token);
    const secrets: SocketSecret[] = [];
    for (const { id } of devices) {
      const transports = ["https", "mqtts", "wss", "socket"];
      await me.put(`/v1/devices/${id}/door`, { transports, socket: "plain" });
      const body = { kind: "socket", attributes: ["temperature", "humidity"] };
      const { secret } = await me.post<{ secret: string }>(`/v1/devices/${id}/keys`, body);
      const read = parseSocketSecret(secret);
      if (read) secrets.push(read);
    }
    return secrets;
  } finally {
    await visitor.close();
  }
}

/** Two values, as a device says them that counts bytes: `{0: 21.5, 1: 48}`. */
export const numbered = Uint8Array.fromHex("a200f94d60011830");
/** The same with names, in CBOR and in text. */
export const named = Uint8Array.fromHex("a26b74656d7065726174757265f94d606868756d69646974791830");
export const line = new TextEncoder().encode("temperature=21.5 humidity=48");
export const json = '{"temperature":21.5,"humidity":48}';
