import { styleText } from "node:util";
import type { Config } from "./config.ts";
import { keysCommand } from "./keys-command.ts";
import { typed } from "./shell.ts";

export type Announcement = {
  readonly version: string;
  readonly url: string;
  readonly mqttsUrl: string;
  /** `--host`: the address that is listened on. */
  readonly host: string;
  readonly fingerprint: string;
  /** What clients have to trust; `undefined` when what their system trusts is enough. */
  readonly caFile: string | undefined;
  readonly readyFile: string;
  /** The keys folder when it is on the disk of the data. */
  readonly keysBesideData: string | undefined;
  /** Where they are, for the line that copies them. */
  readonly keysOf: Pick<Config, "data" | "keys" | "keyringUrl">;
  readonly keys: "never backed up" | "newer than the backup" | "backed up";
  /** `hidden` when this is no terminal, and the link must not get into what a log keeps. */
  readonly setupLink: { readonly shown: string } | "hidden" | undefined;
  /** The folder that commands are typed in: files below it are named shortly. */
  readonly folder: string;
  readonly mayColour: boolean;
};

type Row = readonly [label: string, ...lines: readonly string[]];

const indent = " ".repeat(11);

/** What a person needs once the platform runs: where it is, how to trust it, what to type next. */
export function banner(it: Announcement): string {
  const strong = (text: string): string => (it.mayColour ? styleText("bold", text, { validateStream: false }) : text);
  const faint = (text: string): string => (it.mayColour ? styleText("cyan", text, { validateStream: false }) : text);
  const rows = [
    where(it),
    trust(it),
    keys(it),
    it.setupLink === undefined ? [] : [setup(it)],
    [reading],
    link(it, strong),
  ].flat();
  const text = rows.flatMap(([label, first = "", ...more]) => [
    "",
    `  ${faint(label.padEnd(indent.length - 2))}${first}`,
    ...more.map((line) => `${indent}${line}`),
  ]);
  return ["", strong(`Holdfast ${it.version} is ready`), ...text, "", ""].join("\n");
}

function where({ url, mqttsUrl, host }: Announcement): Row[] {
  const who = isLoopback(host)
    ? "Only this machine can connect. --host 0.0.0.0 lets others in."
    : host === "0.0.0.0" || host === "::"
      ? "Whoever reaches this machine can connect, and needs a credential."
      : `Whoever reaches ${host} can connect, and needs a credential.`;
  return [["Where", `${url}   and   ${mqttsUrl}`, who]];
}

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host.startsWith("127.");

function trust({ caFile, fingerprint, folder }: Announcement): Row[] {
  const half = fingerprint.length / 2; // the colon in the middle goes
  const halves = [`${fingerprint.slice(0, half)}`, `${fingerprint.slice(half + 1)}`];
  if (caFile === undefined) return [["Trust", "What systems trust is enough. SHA-256 of the certificate:", ...halves]];
  return [["Trust", `${typed(caFile, folder)}   for clients to trust. Its SHA-256:`, ...halves]];
}

function keys({ keysBesideData, keysOf, keys: state, folder }: Announcement): Row[] {
  const lines: string[] = [];
  if (keysBesideData !== undefined) {
    lines.push(`They lie beside the data (${typed(keysBesideData, folder)}): whoever takes this disk`);
    lines.push("has both. --keys DIR puts them on another one.");
  }
  if (state !== "backed up") {
    lines.push(
      state === "never backed up"
        ? "Without them the data are lost, and there is no copy yet:"
        : "There are newer ones than the last copy has:",
    );
    lines.push(`${keysCommand("backup", keysOf, folder)} --out keys.backup`);
  }
  return lines.length > 0 ? [["Keys", lines[0] ?? "", ...lines.slice(1)]] : [];
}

const setup = ({ readyFile, folder }: Announcement): Row => [
  "Set up",
  `npx holdfast setup --ready-file ${typed(readyFile, folder)} \\`,
  "    --email you@example.com --org Works --login",
];

/** The command knows who made the device and where it connects: it prints lines that are whole, with the new key in them. */
const reading: Row = [
  "Reading",
  "npx holdfast application create --name Pumps",
  "npx holdfast device create --name Pump-1",
  "That prints the lines that send a reading by curl and mosquitto_pub.",
];

function link({ setupLink, readyFile, folder }: Announcement, strong: (text: string) => string): Row[] {
  if (setupLink === undefined) return [];
  const file = typed(readyFile, folder);
  if (setupLink === "hidden") return [["Link", `The one-time set-up link is in ${file}.`]];
  return [["Link", strong(setupLink.shown), `Good once, for 15 minutes; the newest is in ${file}.`]];
}
