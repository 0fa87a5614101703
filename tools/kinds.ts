import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { everyRoute, presets, type Preset, type Route } from "@holdfast/protocol";

// docs/kinds.md: which operations each kind of credential can reach, made of the code that decides it.
const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const page = path.join(path.dirname(import.meta.dirname), "docs/kinds.md");

const all: readonly Route[] = Object.values(everyRoute);

/** Whether a credential of this kind, with all that it can hold, gets past the question that the operation asks. */
const only = { publishedKey: "application", applicationUser: "applicationUser" } as const;

function reaches(kind: string, { actions, isPublic }: Preset, { needs, on, session }: Route): boolean {
  if (session === "asks" || session === "ends") return kind === "session";
  if (needs === "public") return false; // no credential is looked at
  if (kind === "socket") return false; // it is shown in no request
  if (needs === "publishedKey" || needs === "applicationUser") return only[needs] === kind;
  if (needs === "signedIn") return isPublic === undefined;
  return actions.includes(needs) && (on !== "me" || kind === "device" || kind === "certificate");
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

const row = ({ method, path: address, needs, summary }: Route): string =>
  `| \`${method} ${address}\` | ${needs === "signedIn" ? "to be signed in" : needs === "public" ? "" : needs in only ? "this kind" : `\`${needs}\``} | ${cell(summary)} |`;

const overMqtt = ({ actions }: Preset): readonly string[] => [
  ...(actions.includes("telemetry.write") ? ["| MQTT, to publish | `telemetry.write` | Readings. |"] : []),
  ...(actions.includes("telemetry.read")
    ? ["| MQTT, to subscribe | `telemetry.read` | Readings as they are kept. |"]
    : []),
];

const overSocket = "| a frame of a direct socket | `telemetry.write` | Readings. |";

function section([kind, preset]: [string, Preset]): string {
  const rows = [
    ...all.filter((one) => reaches(kind, preset, one)).map(row),
    ...(kind === "socket" ? [overSocket] : overMqtt(preset)),
  ];
  const table = ["| operation | needs | what it does |", "| --- | --- | --- |", ...rows].join("\n");
  return [
    `## ${kind}`,
    preset.what,
    `Shown: ${preset.shown}. Reaches: ${preset.where}.`,
    rows.length > 0 ? table : "So far there is no operation that it reaches.",
  ].join("\n\n");
}

const open = all.filter(({ needs, session }) => needs === "public" && session !== "asks" && session !== "ends");

const text = `# Kinds of credentials

Made by \`node tools/kinds.ts --write\` of the code that decides; the check fails when it is out of date. Each kind is a preset of one primitive: what is listed is the most that
one of it can reach. What it does reach is less: what it was granted, what made it, [the conditions](conditions.md) that it has, and for a person's what her role holds now. Some operations
ask for a person who signed in besides ([decision 0007](decisions/0007-what-outlasts-a-credential-is-made-by-a-person.md)). Which answer each caller gets is in
[the matrix](../apps/server/src/authority/matrix.txt); \`holdfast explain\` says why.

| kind | what for | shown | reaches | operations |
| --- | --- | --- | --- | --- |
${Object.entries(presets)
  .map(
    ([kind, preset]) =>
      `| [${kind}](#${kind.toLowerCase()}) | ${preset.what} | ${preset.shown} | ${preset.where} | ${all.filter((one) => reaches(kind, preset, one)).length} |`,
  )
  .join("\n")}

${Object.entries(presets).map(section).join("\n\n")}

## Without a credential

| operation | needs | what it does |
| --- | --- | --- |
${open.map(row).join("\n")}
`;

if (values.write) writeFileSync(page, text);
if (!existsSync(page) || readFileSync(page, "utf8") !== text) {
  process.stderr.write("docs/kinds.md is out of date: node tools/kinds.ts --write\n");
  process.exitCode = 1;
}
