/** Text as a literal of a language, whatever stands in it. Each is tried with the language's own program. */
export const quote = {
  /** POSIX sh: nothing is special between single quotes but the quote itself. */
  shell: (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`,

  /** Python: what JSON writes in ASCII is also a Python literal. */
  python: (text: string): string => ascii(text),

  /** JavaScript and JSON. */
  json: (text: string): string => JSON.stringify(text),

  /** C and C++: bytes in octal, which unlike hexadecimal end after three digits; no trigraphs (C17, 5.2.1.1). */
  c: (text: string): string => {
    const bytes = new TextEncoder().encode(text);
    const parts = [...bytes].map((byte) => {
      const char = String.fromCharCode(byte);
      if (char === '"' || char === "\\" || char === "?") return `\\${char}`;
      if (char === "\n") return "\\n";
      return byte >= 0x20 && byte < 0x7f ? char : `\\${byte.toString(8).padStart(3, "0")}`;
    });
    return `"${parts.join("")}"`;
  },
} as const;

function ascii(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A text of several lines, as C puts one under the other. */
export const cLines = (text: string, indent: string): string =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => quote.c(`${line}\n`))
    .join(`\n${indent}`);
