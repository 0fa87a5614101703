/** Objects and arrays in each other. */
export const deepestJson = 64;

/** What comes out again as it went in, at whoever it is handed on to: JSON reads 1e999 as infinite, and what is nested by thousands nobody can write or compare. */
export function isSoundJson(value: unknown, depth = 1): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return depth <= deepestJson && Object.values(value).every((item) => isSoundJson(item, depth + 1));
}
