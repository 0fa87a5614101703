/** Base64url without padding, RFC 4648 section 5. */
export const encode = (bytes: Uint8Array): string => bytes.toBase64({ alphabet: "base64url", omitPadding: true });

/** The bytes, or `undefined` for text that we would not have written: padding, other characters, set bits after the end. */
export function decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  // Encoding again is the one check that covers them all: RFC 4648, 3.5 lets decoders be lenient, and they differ.
  if (!alphabet.test(text) || text.length % 4 === 1) return undefined;
  const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
  return encode(bytes) === text ? bytes : undefined;
}

export const isCanonical = (text: string, length: number): boolean => decode(text)?.length === length;

const alphabet = /^[A-Za-z0-9_-]*$/;
