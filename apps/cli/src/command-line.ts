import { parseArgs } from "node:util";
import { Misuse } from "./failure.ts";
import { file, onOff, optional, text, type Given, type Parameter, type Parameters } from "./parameter.ts";
import { orElse } from "./suggest.ts";
import type { Verb } from "./verb.ts";

/** Understood with every verb. */
export const globalFlags = {
  url: optional(text("URL"), "where the platform is (or HOLDFAST_URL, or the profile of holdfast login)"),
  "token-file": optional(file, "file that holds the credential; - reads stdin (or HOLDFAST_TOKEN)"),
  "key-file": optional(file, "private key that the credential is bound to, in PEM or as a JWK (or HOLDFAST_KEY_FILE)"),
  "ca-file": optional(file, "PEM file of the authority to trust (or HOLDFAST_CA_FILE)"),
  json: onOff("one JSON document on stdout instead of text for people"),
  help: onOff("how the verb is used"),
} as const;

export type Globals = Given<typeof globalFlags>;

export type CommandLine =
  | {
      readonly ask: "verb";
      readonly verb: Verb;
      readonly given: Readonly<Record<string, unknown>>;
      readonly globals: Globals;
    }
  | { readonly ask: "help"; readonly about: readonly string[]; readonly globals: Globals }
  | { readonly ask: "version"; readonly globals: Globals };

type Option = { readonly name: string; readonly raw: string; readonly value: string | undefined };

/** Whether programs read the answer, found out also when nothing else can be. */
export const wantsJson = (argv: readonly string[]): boolean => argv.includes("--json");

/** @throws Misuse */
export function parseCommandLine(argv: readonly string[], verbs: readonly Verb[]): CommandLine {
  const { options, words } = split(argv, verbs);
  const version = options.filter(({ name }) => name === "version");
  const plain = options.filter(({ name }) => name !== "version");
  const isHelp = words[0] === "help" || plain.some(({ name }) => name === "help");
  const verb = isHelp ? undefined : verbNamed(words, verbs);
  const known: Parameters = { ...globalFlags, ...verb?.flags };
  if (!isHelp) for (const option of plain) check(option, known, verb);
  const globals = valuesOf(globalFlags, plain) as Globals; // by the same parameters
  if (version.length > 0) return { ask: "version", globals };
  if (isHelp) return { ask: "help", about: words[0] === "help" ? words.slice(1) : words, globals };
  if (verb === undefined) throw new Misuse(`holdfast needs a verb. holdfast help lists them all.`);
  const rest = words.slice(verb.name.split(" ").length);
  try {
    return { ask: "verb", verb, given: { ...argumentsOf(verb, rest), ...valuesOf(verb.flags, plain) }, globals };
  } catch (error) {
    if (error instanceof Misuse) throw new Misuse(`${error.message}\nUsage: ${usage(verb)}`, { cause: error });
    throw error;
  }
}

/** The line that says how a verb is written. */
export function usage(verb: Verb): string {
  const words = Object.values(verb.arguments).map(({ times, reader }) => bracketed(reader.hint, times));
  const flags = Object.entries(verb.flags).map(([name, { times, reader }]) =>
    bracketed(`--${name}${reader.hint && ` ${reader.hint}`}`, times),
  );
  return ["holdfast", verb.name, ...words, ...flags].join(" ");
}

function bracketed(what: string, times: Parameter["times"]): string {
  switch (times) {
    case "required":
      return what;
    case "some":
      return `${what}…`;
    case "any":
      return `[${what}]…`;
    case "optional":
    case "switch":
      return `[${what}]`;
  }
}

/** The options and the other words, in their order. Which options take a value does not depend on the verb. */
function split(argv: readonly string[], verbs: readonly Verb[]): { options: Option[]; words: string[] } {
  const all: Parameters = Object.assign({}, globalFlags, ...verbs.map(({ flags }) => flags)); // see the test that no two differ
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false, // so that an unknown flag gets a suggestion, and a value may begin with a dash: --from -24h
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries([
      ...Object.entries(all).map(([name, { times }]) => [
        name,
        {
          type: times === "switch" ? ("boolean" as const) : ("string" as const),
          ...(name === "help" && { short: "h" }),
        },
      ]),
      ["version", { type: "boolean" as const }],
    ]),
  });
  const options = tokens.flatMap((token) =>
    token.kind === "option" ? [{ name: token.name, raw: token.rawName, value: token.value }] : [],
  );
  return { options, words: tokens.flatMap((token) => (token.kind === "positional" ? [token.value] : [])) };
}

function verbNamed(words: readonly string[], verbs: readonly Verb[]): Verb | undefined {
  const [first, second] = words;
  if (first === undefined) return undefined;
  const two = `${first} ${second ?? ""}`.trimEnd();
  const verb = verbs.find(({ name }) => name === two) ?? verbs.find(({ name }) => name === first);
  if (verb) return verb;
  const group = verbs.filter(({ name }) => name.startsWith(`${first} `));
  const names = (group.length > 0 ? group : verbs).map(({ name }) => name);
  if (group.length > 0 && second === undefined) {
    throw new Misuse(
      `holdfast ${first} needs one more word: ${names.map((name) => name.slice(first.length + 1)).join(", ")}.`,
    );
  }
  throw new Misuse(`There is no verb "${two}".${orElse(two, names)} holdfast help lists them all.`);
}

function check({ name, raw, value }: Option, known: Parameters, verb: Verb | undefined): void {
  const parameter = Object.hasOwn(known, name) ? known[name] : undefined;
  const where = verb === undefined ? "" : ` of holdfast ${verb.name}`;
  if (parameter === undefined) {
    const flags = Object.keys(known).map((flag) => `--${flag}`);
    throw new Misuse(`${raw} is no flag${where}.${orElse(`--${name}`, flags)}`);
  }
  if (parameter.times === "switch") {
    if (value !== undefined) throw new Misuse(`${raw} takes no value.`);
  } else if (value === undefined || (value.startsWith("--") && Object.hasOwn(known, value.slice(2)))) {
    throw new Misuse(`${raw} needs a value: ${raw} ${parameter.reader.hint}`);
  }
}

function argumentsOf(verb: Verb, words: readonly string[]): Record<string, unknown> {
  const rest = [...words];
  const given = Object.entries(verb.arguments).map(([name, parameter]) => {
    const own = parameter.times === "some" || parameter.times === "any" ? rest.splice(0) : rest.splice(0, 1);
    return [name, valueOf(parameter.reader.hint, parameter, own)];
  });
  if (rest.length > 0) throw new Misuse(`"${rest.join(" ")}" is one word too many.`);
  return Object.fromEntries(given);
}

function valuesOf(parameters: Parameters, options: readonly Option[]): Record<string, unknown> {
  const own = Object.entries(parameters).map(([name, parameter]) => {
    const texts = options.filter((option) => option.name === name).map(({ value }) => value ?? "");
    return [name, valueOf(`--${name}`, parameter, texts)];
  });
  return Object.fromEntries(own);
}

function valueOf(called: string, { times, reader }: Parameter, texts: readonly string[]): unknown {
  if (times === "switch") return texts.length > 0;
  if (texts.length === 0 && (times === "required" || times === "some")) throw new Misuse(`${called} is missing.`);
  if (texts.length > 1 && (times === "required" || times === "optional"))
    throw new Misuse(`${called} can be given once only.`);
  const values = texts.map((given) => {
    try {
      return reader.read(given);
    } catch (error) {
      if (error instanceof Misuse) throw new Misuse(`${called}: ${error.message}.`, { cause: error });
      throw error;
    }
  });
  return times === "required" || times === "optional" ? values[0] : values;
}
