import {
  formatHours,
  isCommandName,
  parseHours,
  proofs,
  socketModes,
  tlsVersions,
  transports,
  visitorKinds,
  type Door,
} from "@holdfast/protocol";
import { words } from "../words/index.ts";

const own = words.door.errors;

/** A door as it is typed: lines of text, and numbers as somebody writes them. */
export type Typed = {
  readonly transports: string[];
  readonly socket: string;
  readonly tls: string;
  readonly proof: string;
  readonly allow: string;
  readonly deny: string;
  readonly writable: string;
  readonly readable: string;
  readonly dangerous: string;
  readonly perMinute: string;
  readonly burst: string;
  readonly size: string;
  readonly hours: string;
};

export const typedOf = (door: Door): Typed => ({
  transports: [...(door.transports ?? [])],
  socket: door.socket === "sealed" ? "" : (door.socket ?? ""),
  tls: door.tls ?? "",
  proof: door.proof ?? "",
  allow: sideText(door.allow).join("\n"),
  deny: sideText(door.deny).join("\n"),
  writable: (door.writable ?? []).join("\n"),
  readable: (door.readable ?? [])
    .flatMap(({ attributes, by }) => attributes.map((name) => (by ? `${name} = ${sideText(by).join(", ")}` : name)))
    .join("\n"),
  dangerous: (door.dangerous ?? []).join("\n"),
  perMinute: numberText(door.rate?.perMinute),
  burst: numberText(door.rate?.burst),
  size: numberText(door.size),
  hours: (door.hours ?? []).map(formatHours).join("\n"),
});

type Side = NonNullable<Door["allow"]>;
const fields = ["addresses", "people", "credentials", "kinds"] as const;
const sideText = (side: Side = {}): readonly string[] => fields.flatMap((field) => side[field] ?? []);
const numberText = (number: number | undefined): string => (number === undefined ? "" : String(number));

/** What is wrong with what was typed, by its field. */
export const faultsIn = (typed: Typed): { readonly [Field in keyof Typed]?: string } => {
  const found = {
    allow: wrongIn(typed.allow),
    deny: wrongIn(typed.deny),
    readable: readableIn(typed.readable)
      .flatMap(({ who }) => who)
      .map(wrongIn)
      .find((fault) => fault !== undefined),
    dangerous: linesIn(typed.dangerous)
      .filter((line) => !isCommandName(line))
      .map(own.command)[0],
    hours: linesIn(typed.hours)
      .filter((line) => !parseHours(line))
      .map(own.hours)[0],
    perMinute: wrongNumber(typed.perMinute) ?? (typed.burst && !typed.perMinute ? own.burst : undefined),
    burst: wrongNumber(typed.burst),
    size: wrongNumber(typed.size),
  };
  return Object.fromEntries(Object.entries(found).filter(([, fault]) => fault !== undefined));
};

/** The door that was typed; what is wrong with it is not there. */
export function doorOf(typed: Typed): Door {
  const hours = linesIn(typed.hours).flatMap((line) => parseHours(line) ?? []);
  const [allow, deny] = [sideOf(linesIn(typed.allow)), sideOf(linesIn(typed.deny))];
  const writable = linesIn(typed.writable);
  const dangerous = linesIn(typed.dangerous);
  const readable = readableIn(typed.readable).map(({ name, who }) => ({
    attributes: [name],
    ...(who.length > 0 && { by: sideOf(who) }),
  }));
  const ways = transports.filter((way) => typed.transports.includes(way));
  const socket = ways.includes("socket") ? socketModes.find((mode) => mode === typed.socket) : undefined;
  const tls = tlsVersions.find((version) => version === typed.tls);
  const proof = proofs.find((one) => one === typed.proof);
  return {
    ...(ways.length > 0 && { transports: ways }),
    ...(socket && { socket }),
    ...(tls && { tls }),
    ...(proof && { proof }),
    ...(allow && { allow }),
    ...(deny && { deny }),
    ...(writable.length > 0 && { writable }),
    ...(readable.length > 0 && { readable }),
    ...(dangerous.length > 0 && { dangerous }),
    ...(typed.perMinute && {
      rate: { perMinute: Number(typed.perMinute), ...(typed.burst && { burst: Number(typed.burst) }) },
    }),
    ...(typed.size && { size: Number(typed.size) }),
    ...(hours.length > 0 && { hours }),
  };
}

const linesIn = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

/** `name`, or `name = who, who`. */
const readableIn = (text: string): readonly { readonly name: string; readonly who: readonly string[] }[] =>
  linesIn(text).map((line) => {
    const at = line.lastIndexOf(" = ");
    if (at < 0) return { name: line, who: [] };
    const who = line.slice(at + 3).split(",");
    return { name: line.slice(0, at), who: who.map((one) => one.trim()) };
  });

const wrongIn = (text: string): string | undefined =>
  linesIn(text)
    .filter((line) => fieldOf(line) === undefined)
    .map(own.who)[0];

const wrongNumber = (text: string): string | undefined => (/^(?:[1-9]\d{0,8})?$/.test(text) ? undefined : own.number);

function fieldOf(line: string): (typeof fields)[number] | undefined {
  if (/^per_[0-9a-f]{32}$/.test(line)) return "people";
  if (/^(?:key|tok|ses)_[0-9a-f]{32}$/.test(line)) return "credentials";
  if (visitorKinds.some((kind) => kind === line)) return "kinds";
  return /^[0-9a-f.:/]*[.:][0-9a-f.:/]*$/i.test(line) ? "addresses" : undefined;
}

function sideOf(lines: readonly string[]): Side | undefined {
  const named = fields.map((field) => [field, lines.filter((line) => fieldOf(line) === field)] as const);
  const side = Object.fromEntries(named.filter(([, values]) => values.length > 0));
  return Object.keys(side).length > 0 ? side : undefined;
}
