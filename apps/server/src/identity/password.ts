import { isCommonPassword } from "@holdfast/crypto";
import { Refusal } from "@holdfast/kernel";

/** What is known of whoever chooses a password, which is what is tried first: her e-mail, names of her organisations, the platform's own. */
export type Surroundings = readonly (string | undefined)[];

/** Whoever runs into one of these has to guess no more than the rest. */
const everywhere = ["holdfast"];
const shortestWord = 4;
/** What has to be left of a password beside words that are known. */
const leastRest = 8;

/**
 * Why a password cannot be chosen; `undefined` when it can. Length is what helps, and a list of what is tried first (NIST SP 800-63B-4, 3.1.1.2);
 * which characters it is made of is nobody's business. Characters are counted as a person would, and hashed as NFKC.
 */
export function passwordFault(password: string, surroundings: Surroundings): Refusal | undefined {
  const { length } = Array.from(password);
  if (length < 12 || length > 128) return new Refusal("password.weak");
  const plain = password.normalize("NFKC").toLowerCase();
  if (isCommonPassword(plain)) return common("It is on lists of leaked passwords.");
  if (isPattern(plain)) return common("It repeats itself, or follows a row.");
  const rest = without(plain, wordsOf(surroundings));
  if (rest !== plain && lengthOf(rest) < leastRest)
    return common("There is little in it but your e-mail, a name of here, or the platform's.");
  const core = plain.replaceAll(/^[^\p{L}]+|[^\p{L}]+$/gu, "");
  if (core.length >= shortestWord && isCommonPassword(core) && lengthOf(plain.replace(core, "")) < leastRest)
    return common("It is a common password with something before or behind it.");
  return undefined;
}

/** @throws Refusal `password.weak`, `password.common` */
export function refuseWeak(password: string, surroundings: Surroundings): void {
  const fault = passwordFault(password, surroundings);
  if (fault) throw fault;
}

const common = (detail: string): Refusal => new Refusal("password.common", { detail });

/** Of an e-mail or a name the words that are long enough to mean something, and the whole of it written together. */
const wordsOf = (surroundings: Surroundings): readonly string[] =>
  [...surroundings, ...everywhere]
    .flatMap((text) => {
      const words = (text ?? "")
        .normalize("NFKC")
        .toLowerCase()
        .split(/[^\p{L}\p{N}]+/u);
      return [words.join(""), ...words];
    })
    .filter((word) => Array.from(word).length >= shortestWord)
    .toSorted((a, b) => b.length - a.length);

const without = (text: string, words: readonly string[]): string =>
  words.reduce((rest, word) => rest.replaceAll(word, " "), text);

/** Without what only stands between. */
const lengthOf = (text: string): number => Array.from(text.replaceAll(/[\s\p{P}\p{S}]+/gu, "")).length;

/** `abcabcabcabc`, `aaaaaaaaaaaa`, `dragondragon`, `123456789012`, `lkjihgfedcba`. */
function isPattern(text: string): boolean {
  const letters = Array.from(text);
  for (let unit = 1; unit <= letters.length / 2; unit += 1) {
    if (!letters.every((letter, at) => letter === letters[at % unit])) continue;
    return unit <= 4 || isCommonPassword(letters.slice(0, unit).join(""));
  }
  const steps = letters.slice(1).map((letter, at) => stepBetween(letters[at] ?? "", letter));
  return steps.every((step) => step === 1) || steps.every((step) => step === -1);
}

/** Zero follows nine. */
function stepBetween(before: string, after: string): number {
  if (before + after === "90") return 1;
  if (before + after === "09") return -1;
  return (after.codePointAt(0) ?? 0) - (before.codePointAt(0) ?? 0);
}
