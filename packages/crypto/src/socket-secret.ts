import type { Random } from "@holdfast/kernel";
import { addressIn, addressLength, bytesOfAddress, secretLength } from "./frame.ts";

/** What a device needs to send frames: by which address the platform finds its secret, and the secret. */
export type SocketSecret = { readonly address: number; readonly secret: Uint8Array };

/** So that a scanner and a person know one when they see it. On the wire. */
export const socketSecretPrefix = "hfu_";
const digits = 2 * (addressLength + secretLength);
const pattern = new RegExp(`^${socketSecretPrefix}[0-9a-f]{${digits}}$`);

export function newSocketSecret(random: Random): SocketSecret {
  const address = addressIn(random.bytes(addressLength));
  return { address, secret: random.bytes(secretLength) };
}

/** As a person is shown it, once: hexadecimal digits, because firmware takes bytes. */
export const formatSocketSecret = ({ address, secret }: SocketSecret): string =>
  `${socketSecretPrefix}${bytesOfAddress(address).toHex()}${secret.toHex()}`;

export function parseSocketSecret(text: string): SocketSecret | undefined {
  if (!pattern.test(text)) return undefined;
  const bytes = Uint8Array.fromHex(text.slice(socketSecretPrefix.length));
  return { address: addressIn(bytes.subarray(0, addressLength)), secret: bytes.slice(addressLength) };
}
