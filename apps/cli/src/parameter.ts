import { isId, type Id, type Kind } from "@holdfast/kernel";
import { Misuse } from "./failure.ts";
import { parseDuration } from "./moment.ts";

/** How the text of one value becomes what it means. `read` throws Misuse. */
export type Reader<T> = { readonly hint: string; readonly read: (text: string) => T };

export const text = (hint: string): Reader<string> => ({
  hint,
  read: (given) => {
    if (given.trim() === "") throw new Misuse("needs some text");
    return given;
  },
});

export const file: Reader<string> = text("FILE");

/** An identifier, told from what only looks like one before anything is asked. */
export const idOf = <K extends Kind>(kind: K): Reader<Id<K>> => ({
  hint: kind.toUpperCase(),
  read: (given) => {
    if (!isId(kind, given))
      throw new Misuse(`"${given}" is no identifier of a kind "${kind}": three letters, _ and 32 hex digits`);
    return given;
  },
});

export const oneOf = <const T extends string>(...choices: readonly T[]): Reader<T> => ({
  hint: choices.join("|"),
  read: (given) => {
    const choice = choices.find((one) => one === given);
    if (choice === undefined) throw new Misuse(`"${given}" is none of ${choices.join(", ")}`);
    return choice;
  },
});

/** A length of time, passed on as it was written. */
export const duration: Reader<string> = {
  hint: "90d",
  read: (given) => {
    parseDuration(given);
    return given;
  },
};

export const count: Reader<number> = {
  hint: "N",
  read: (given) => {
    const number = Number(given);
    if (!/^\d{1,9}$/.test(given) || number < 1) throw new Misuse(`"${given}" is no number from 1`);
    return number;
  },
};

/** `name=value`; what follows the first `=` is the value. */
export const pair: Reader<readonly [name: string, value: string]> = {
  hint: "NAME=VALUE",
  read: (given) => {
    const at = given.indexOf("=");
    if (at < 1) throw new Misuse(`"${given}" is not NAME=VALUE`);
    return [given.slice(0, at), given.slice(at + 1)];
  },
};

/** How often a value may be given. A switch has none. */
type Times = "switch" | "optional" | "required" | "any" | "some";

/** One flag or one argument of a verb. */
export type Parameter<T = unknown, N extends Times = Times> = {
  readonly times: N;
  readonly about: string;
  readonly reader: Reader<T>;
};

export type Parameters = Readonly<Record<string, Parameter>>;

type Value<P> =
  P extends Parameter<infer T, infer N>
    ? N extends "switch"
      ? boolean
      : N extends "optional"
        ? T | undefined
        : N extends "required"
          ? T
          : N extends "some"
            ? readonly [T, ...T[]]
            : readonly T[]
    : never;

/** What a verb gets: every one of its parameters, read. */
export type Given<P extends Parameters> = { readonly [Name in keyof P]: Value<P[Name]> };

export const required = <T>(reader: Reader<T>, about: string): Parameter<T, "required"> => ({
  times: "required",
  about,
  reader,
});
export const optional = <T>(reader: Reader<T>, about: string): Parameter<T, "optional"> => ({
  times: "optional",
  about,
  reader,
});
/** Any number of times. */
export const any = <T>(reader: Reader<T>, about: string): Parameter<T, "any"> => ({ times: "any", about, reader });
/** At least once. */
export const some = <T>(reader: Reader<T>, about: string): Parameter<T, "some"> => ({ times: "some", about, reader });
export const onOff = (about: string): Parameter<true, "switch"> => ({
  times: "switch",
  about,
  reader: { hint: "", read: () => true },
});
