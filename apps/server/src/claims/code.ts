import type { Random } from "@holdfast/kernel";

// What stands on the box: Crockford's base 32, in groups that somebody can read aloud. The last character is his check character (the number modulo 37).

const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const checks = `${digits}*~$=U`;
const length = 19; // 95 bits

/** Those whose check character were no letter or digit are drawn again: 94.8 bits. */
export function newCode(random: Random): string {
  for (;;) {
    const drawn = [...random.bytes(length)].map((byte) => digits[byte % digits.length]).join(""); // 256 is a multiple of 32
    const check = checkOf(drawn);
    if (digits.includes(check)) return (drawn + check).replace(/.{4}(?=.)/g, "$&-");
  }
}

/** As it is looked up, however somebody typed it. `undefined` when it is mistyped. */
export function parseCode(text: string): string | undefined {
  const typed = text.toUpperCase().replace(/[-\s]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
  if (typed.length !== length + 1 || typed.split("").some((one) => !digits.includes(one))) return undefined;
  return checkOf(typed.slice(0, length)) === typed[length] ? typed : undefined;
}

const checkOf = (text: string): string =>
  checks[text.split("").reduce((rest, one) => (rest * 32 + digits.indexOf(one)) % 37, 0)] ?? "";
