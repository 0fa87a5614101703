/**
 * What a terminal may be shown: text from the platform was written by anybody, and a terminal obeys control characters,
 * while marks of direction make text look like another.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (sign) => {
    const code = sign.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

/** JSON in which nothing is left for a terminal to obey: JSON itself lets C1 controls and DEL pass (RFC 8259, 7). */
export function printableJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, undefined, indent);
  return text.replaceAll(/[\u007f-\u009f]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}

const segments = new Intl.Segmenter();
// Blocks that terminals draw two columns wide (Unicode Standard Annex 11), as far as names use them.
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|^\p{Emoji_Presentation}/u;

/** How many columns a terminal needs. */
export function width(text: string): number {
  let columns = 0;
  for (const { segment } of segments.segment(text)) columns += wide.test(segment) ? 2 : 1;
  return columns;
}

export const padded = (text: string, columns: number): string => text + " ".repeat(Math.max(0, columns - width(text)));

/** At most so many columns, the last an ellipsis when something was left out. */
export function clipped(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let kept = "";
  for (const { segment } of segments.segment(text)) {
    if (width(kept + segment) > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
