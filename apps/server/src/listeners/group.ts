const kept = Symbol("the group of the key exchange");

/**
 * The group that both ends agreed their key in, as IANA numbers it (TLS Supported Groups); `undefined` where that is not known. Node tells it
 * to clients alone (`getEphemeralKeyInfo`), so it is read from the session, once for each connection.
 */
export function groupOf(socket: object): number | undefined {
  const known: unknown = Reflect.get(socket, kept);
  if (known !== undefined) return typeof known === "number" ? known : undefined;
  const group = read(socket);
  // Also through what HTTP/2 lends out, which hands this on to the connection below.
  Reflect.set(socket, kept, group ?? "unknown");
  return group;
}

function read(socket: object): number | undefined {
  const ask = "getSession" in socket ? socket.getSession : undefined;
  const session: unknown = typeof ask === "function" ? ask.call(socket) : undefined;
  if (!(session instanceof Uint8Array)) return undefined;
  const group = groupIn(session);
  session.fill(0); // it holds what the connection's keys are made of
  return group;
}

const sequence = 0x30;
const integer = 0x02;
const groupField = 0xb3; // [19] EXPLICIT, which OpenSSL calls `kex_group` (SSL_SESSION_ASN1, ssl/ssl_asn1.c)

/** Exported for its test: OpenSSL's own format, of which nobody else promises anything. */
export function groupIn(session: Uint8Array): number | undefined {
  const whole = elementAt(session, 0);
  if (whole?.tag !== sequence) return undefined;
  for (let at = whole.from; at < whole.to;) {
    const field = elementAt(session, at);
    if (!field) return undefined;
    const value = field.tag === groupField ? elementAt(session, field.from) : undefined;
    if (value?.tag === integer) return numberIn(session.subarray(value.from, value.to));
    at = field.to;
  }
  return undefined;
}

const numberIn = (bytes: Uint8Array): number | undefined => {
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return number > 0 && number <= 0xffff ? number : undefined;
};

/** One element of DER (X.690, 8.1), by where what is in it begins and ends. Of tags above 30, which OpenSSL does not use here, nothing is known. */
function elementAt(bytes: Uint8Array, at: number): { tag: number; from: number; to: number } | undefined {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  const more = first < 0x80 ? 0 : first & 0x7f;
  const from = at + 2 + more;
  if (more > 3 || from > bytes.length) return undefined;
  const length = more === 0 ? first : bytes.subarray(at + 2, from).reduce((sum, byte) => sum * 256 + byte, 0);
  const to = from + length;
  return to > bytes.length ? undefined : { tag, from, to };
}
