// Hot path: what most devices send, `{"temperature":21.5,"humidity":48}`, read from its bytes in one go.

/** Names that were read lately, each in a place by its bytes: a fleet says the same few again and again. */
const places = 1_024;
const mostNameBytes = 32;
const mostValues = 32;
/** Of so many digits every integer is an exact double, and so is every power of ten up to there. */
const mostDigits = 15;

const powers = Array.from({ length: mostDigits + 1 }, (_, digits) => 10 ** digits);

const space = 0x20;
const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;
const backslash = 0x5c;
const opening = 0x7b;
const closing = 0x7d;
const tilde = 0x7e;

type Known = { readonly bytes: Uint8Array; readonly text: string };

/** Reads a flat object of plain numbers. For anything else it answers `undefined`, and `JSON.parse` says what that is. */
export class FlatReader {
  readonly #known: (Known | undefined)[] = Array.from({ length: places }, () => undefined);

  /** Exactly what `JSON.parse` makes of it, in the order of `for…in`. */
  read(body: Uint8Array): [name: string, value: number][] | undefined {
    const end = body.length - 1;
    if (end < 5 || body[0] !== opening || body[end] !== closing) return undefined;
    const values: [string, number][] = [];
    for (let at = 1; ; at++) {
      while (body[at] === space) at++;
      if (body[at] !== quote) return undefined;
      const start = ++at;
      let hash = 0;
      let byte = body[at] ?? 0;
      // `for…in` has names that are whole numbers before the others.
      if (byte >= zero && byte <= nine) return undefined;
      for (; byte !== quote; byte = body[++at] ?? 0) {
        if (byte < space || byte > tilde || byte === backslash) return undefined;
        hash = (hash * 31 + byte) | 0;
      }
      if (at === start || at - start > mostNameBytes) return undefined;
      const name = this.#name(body, start, at, hash);
      at++;
      while (body[at] === space) at++;
      if (body[at] !== colon) return undefined;
      at++;
      while (body[at] === space) at++;

      const isNegative = body[at] === minus;
      if (isNegative) at++;
      const first = at;
      let whole = 0;
      for (byte = body[at] ?? 0; byte >= zero && byte <= nine; byte = body[++at] ?? 0) whole = whole * 10 + byte - zero;
      let digits = at - first;
      if (digits === 0 || (digits > 1 && body[first] === zero)) return undefined;
      let decimals = 0;
      if (byte === point) {
        const from = ++at;
        for (byte = body[at] ?? 0; byte >= zero && byte <= nine; byte = body[++at] ?? 0)
          whole = whole * 10 + byte - zero;
        decimals = at - from;
        if (decimals === 0) return undefined;
        digits += decimals;
      }
      if (digits > mostDigits) return undefined;
      // One division of two exact doubles gives the double nearest to the decimal.
      const value = decimals === 0 ? whole : whole / (powers[decimals] ?? 1);
      for (let before = 0; before < values.length; before++) if (values[before]?.[0] === name) return undefined;
      if (values.push([name, isNegative ? -value : value]) > mostValues) return undefined;

      while (body[at] === space) at++;
      if (at === end) return values;
      if (body[at] !== comma) return undefined;
    }
  }

  #name(body: Uint8Array, start: number, end: number, hash: number): string {
    const place = (hash ^ (hash >>> 10)) & (places - 1);
    const there = this.#known[place];
    if (there && isSame(there.bytes, body, start, end)) return there.text;
    const bytes = new Uint8Array(body.subarray(start, end)); // a copy
    const text = String.fromCharCode(...bytes); // all of it is ASCII
    this.#known[place] = { bytes, text };
    return text;
  }
}

function isSame(known: Uint8Array, body: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let at = 0; at < known.length; at++) if (known[at] !== body[start + at]) return false;
  return true;
}
