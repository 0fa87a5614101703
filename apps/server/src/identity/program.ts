/** What somebody's program is, as far as it says so, and simply: nothing hangs on it. */
export type Program = { readonly name: string | undefined; readonly system: string | undefined };

// The order matters: whoever came later says it is the earlier ones, too (RFC 9110, 10.1.5).
const names: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\/\d+/, "Edge"],
  [/\bOPR\/\d+/, "Opera"],
  [/\b(?:Firefox|FxiOS)\/\d+/, "Firefox"],
  [/\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\/\d+/, "Chrome"],
  [/\bVersion\/\d+.*\bSafari\//, "Safari"],
  [/^holdfast\b/, "holdfast"],
  [/^curl\//, "curl"],
];
const systems: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, "Android"],
  [/\b(?:iPhone|iPad)\b/, "iOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\b(?:Macintosh|Mac OS X)\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

export const programOf = (agent: string): Program => ({ name: first(names, agent), system: first(systems, agent) });

const first = (all: readonly (readonly [RegExp, string])[], text: string): string | undefined =>
  all.find(([pattern]) => pattern.test(text))?.[1];

/** "Firefox on Linux". */
export function nameOfProgram({ name, system }: Program): string {
  if (name === undefined) return system === undefined ? "an unknown program" : `an unknown program on ${system}`;
  return system === undefined ? name : `${name} on ${system}`;
}
