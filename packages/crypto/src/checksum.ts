import { crc32 } from "node:zlib";

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
export const checksumLength = 6; // 62^6 > 2^32

/**
 * CRC-32 (ISO-HDLC, as in zlib) of ASCII text in six base-62 digits, `0-9A-Za-z`, highest first. It tells a scanner that
 * something is a credential of ours and not a coincidence, and a person that they mistyped it. It proves nothing.
 */
export function checksum(text: string): string {
  let rest = crc32(text);
  let written = "";
  for (let i = 0; i < checksumLength; i += 1) {
    written = digits.charAt(rest % 62) + written;
    rest = Math.floor(rest / 62);
  }
  return written;
}
