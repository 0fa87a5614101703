import { globalFlags, usage } from "./command-line.ts";
import { Misuse } from "./failure.ts";
import type { Parameters } from "./parameter.ts";
import { orElse } from "./suggest.ts";
import { padded, width } from "./text.ts";
import type { Verb } from "./verb.ts";

/** Everything that can be asked for, or what begins with these words. @throws Misuse */
export function help(about: readonly string[], verbs: readonly Verb[]): string {
  const chosen = verbsAbout(about, verbs);
  const [only] = chosen;
  if (about.length > 0 && only && chosen.length === 1) return helpOf(only);
  const rows = chosen.map(({ name, summary }) => [`holdfast ${name}`, summary] as const);
  const opening = about.length > 0 ? [] : ["The command line of Holdfast, a platform for connected products.", ""];
  return [
    ...opening,
    ...aligned(rows),
    "",
    "With every verb:",
    ...aligned(flagRows(globalFlags)),
    "",
    "holdfast help VERB says more about one. holdfast --version says which version this is.",
    "The command ends with 0 done, 1 refused, 2 wrong usage, 3 unreachable or not trusted, 70 a fault of ours.",
  ].join("\n");
}

/** The same for programs. */
export const helpAsData = (about: readonly string[], verbs: readonly Verb[]): object => ({
  verbs: verbsAbout(about, verbs).map((verb) => ({ ...verbAsData(verb), flags: described(verb.flags) })),
  flags: described(globalFlags),
});

function verbsAbout(about: readonly string[], verbs: readonly Verb[]): readonly Verb[] {
  const name = about.join(" ");
  const chosen = name === "" ? verbs : verbs.filter((verb) => verb.name === name || verb.name.startsWith(`${name} `));
  if (chosen.length > 0) return chosen;
  // `holdfast device create --help` may stand behind arguments.
  const longer = verbs.filter((verb) => name.startsWith(`${verb.name} `));
  if (longer.length > 0) return longer;
  throw new Misuse(
    `There is no verb "${name}".${orElse(
      name,
      verbs.map((verb) => verb.name),
    )} holdfast help lists them all.`,
  );
}

function helpOf(verb: Verb): string {
  const words = Object.values(verb.arguments).map(({ reader, about }) => [reader.hint, about] as const);
  const flags = flagRows(verb.flags);
  return [
    `${verb.summary}.`,
    "",
    `  ${usage(verb)}`,
    "",
    ...aligned([...words, ...flags]),
    ...(words.length + flags.length > 0 ? [""] : []),
    ...(verb.examples.length > 0 ? ["For example:", ...verb.examples.map((line) => `  holdfast ${line}`), ""] : []),
    "With every verb:",
    ...aligned(flagRows(globalFlags)),
  ].join("\n");
}

const flagRows = (flags: Parameters): (readonly [string, string])[] =>
  Object.entries(flags).map(([name, { reader, times, about }]) => {
    const often = times === "any" || times === "some" ? " (repeatable)" : "";
    return [`--${name}${reader.hint && ` ${reader.hint}`}`, about + often];
  });

function aligned(rows: readonly (readonly [string, string])[]): string[] {
  const widest = Math.max(0, ...rows.map(([first]) => width(first)));
  return rows.map(([first, second]) => `  ${padded(first, widest)}  ${second}`);
}

const verbAsData = (verb: Verb): object => ({
  name: verb.name,
  summary: verb.summary,
  usage: usage(verb),
  arguments: described(verb.arguments),
});

const described = (parameters: Parameters): object[] =>
  Object.entries(parameters).map(([name, { times, reader, about }]) => ({ name, times, value: reader.hint, about }));
