/** One way in which a value could lie somewhere. Written as text again it is longer, and says no more: `says` is how many bytes are in it. */
export type Form = { readonly name: string; readonly bytes: Buffer; readonly says: number };

const mostDecimals = 6;

/** All the ways in which a text or a number could lie in a file: as it is, in binary, and either of these written as text again. */
export function formsOf(value: string | number): readonly Form[] {
  const forms = [...written(String(value)), ...(typeof value === "number" ? binary(value) : [])];
  return forms.flatMap((form) => [form, ...encoded(form)]);
}

const plain = (name: string, bytes: Buffer): Form => ({ name, bytes, says: bytes.length });

const written = (text: string): readonly Form[] => [
  plain("text", Buffer.from(text)),
  plain("UTF-16, little-endian", Buffer.from(text, "utf16le")),
  plain("UTF-16, big-endian", Buffer.from(text, "utf16le").swap16()),
];

/** As a double or a float, and as the whole number of some decimal units, which is how chunks and records keep it. */
function binary(value: number): readonly Form[] {
  const forms: Form[] = [...floats(value)];
  for (let decimals = 0; decimals <= mostDecimals; decimals += 1) {
    const units = Math.round(value * 10 ** decimals);
    if (units / 10 ** decimals !== value || !Number.isSafeInteger(2 * units)) continue;
    forms.push(...integers(units).map((form) => ({ ...form, name: `× 10^${decimals}, ${form.name}` })));
  }
  return forms;
}

function floats(value: number): readonly Form[] {
  const [long, short] = [Buffer.alloc(8), Buffer.alloc(4)];
  long.writeDoubleLE(value);
  short.writeFloatLE(value);
  return bothEnds("float64", long).concat(bothEnds("float32", short));
}

function integers(units: number): readonly Form[] {
  const [long, short] = [Buffer.alloc(8), Buffer.alloc(4)];
  long.writeBigInt64LE(BigInt(units));
  const isShort = units === (units | 0);
  if (isShort) short.writeInt32LE(units);
  return [
    ...bothEnds("int64", long),
    ...(isShort ? bothEnds("int32", short) : []),
    plain("varint", varint(units)),
    plain("zigzag varint", varint(2 * units)),
  ];
}

const bothEnds = (name: string, bytes: Buffer): Form[] => [
  plain(`${name}, little-endian`, bytes),
  plain(`${name}, big-endian`, Buffer.from(bytes).reverse()),
];

/** Groups of seven bits, the low ones first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) + (rest > 127 ? 128 : 0));
    if (rest <= 127) return Buffer.from(bytes);
  }
}

function encoded({ name, bytes, says }: Form): readonly Form[] {
  const of = (encoding: string, text: string) => ({ name: `${name}, ${encoding}`, bytes: Buffer.from(text), says });
  const hex = bytes.toString("hex");
  const base64 = [0, 1, 2].flatMap((before) => {
    const text = aligned(bytes, before);
    return [
      of(`base64 after ${before}`, text),
      of(`base64url after ${before}`, text.replaceAll("+", "-").replaceAll("/", "_")),
    ];
  });
  return [of("hex", hex), of("upper-case hex", hex.toUpperCase()), ...base64];
}

/** The characters of base64 (RFC 4648, 4) that are made of these bytes alone, when so many others stand before them. */
function aligned(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
}
