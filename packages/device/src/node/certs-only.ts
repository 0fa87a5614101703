import { X509Certificate } from "node:crypto";

type Element = { readonly tag: number; readonly content: Buffer; readonly whole: Buffer };

/** X.690, 8.1: tag, length, content. Throws for what is cut short, or longer than any certificate. */
function elements(bytes: Buffer): Element[] {
  const all: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes.readUInt8(at + 1);
    const more = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || more > 3) throw new Error("a length that no certificate has");
    const length = more === 0 ? first : bytes.readUIntBE(at + 2, more);
    const begin = at + 2 + more;
    if (begin + length > bytes.length) throw new Error("cut short");
    all.push({
      tag: bytes.readUInt8(at),
      content: bytes.subarray(begin, begin + length),
      whole: bytes.subarray(at, begin + length),
    });
    at = begin + length;
  }
  return all;
}

const inside = (all: readonly Element[], tag: number): Element[] => {
  const found = all.find((one) => one.tag === tag);
  if (!found) throw new Error("no certificates in it");
  return elements(found.content);
};

/** The certificates of a "certs-only" message (RFC 5652, 5.1): what EST answers. */
export function certificatesIn(base64: string): X509Certificate[] {
  const contentInfo = inside(elements(Buffer.from(base64, "base64")), 0x30);
  const signedData = inside(inside(contentInfo, 0xa0), 0x30);
  return inside(signedData, 0xa0).map(({ whole }) => new X509Certificate(whole));
}
