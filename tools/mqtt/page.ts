import type { Proof } from "./names.ts";
import { isOurs, standards, type Statement, type Version } from "./statements.ts";

const page = "docs/mqtt.md";

const introduction = `# MQTT, statement by statement

Every numbered statement of both standards, whom it binds, and the tests that prove it here. Generated from the names of the
tests by \`node tools/mqtt.ts --write\`, never by hand: \`npm run check\` fails on a statement on servers without a test, on a test
that names a statement there is not, and on a page that is out of date.

What a statement says stands in the standard; here are a few words of ours for finding it. **server** and **both** are the
broker's, **embedder** is for whoever hands it its streams (here the platform's listeners), **client** says what a client has to
do: its tests, where there are any, show what happens to one that does not. **nobody**: the condition does not hold here.
`;

/** The page as it should be. */
export function render(proofs: readonly Proof[]): string {
  const parts = standards.map(({ version, statements }) => {
    const ours = statements.filter(isOurs);
    const rows = statements.map((statement) => row(version, statement, proofs));
    return [
      `## MQTT ${version}`,
      "",
      `${statements.length} statements, ${ours.length} of them ours.`,
      "",
      "| statement | binds | about | tests |",
      "| --- | --- | --- | --- |",
      ...rows,
    ].join("\n");
  });
  return `${[introduction, ...parts].join("\n")}\n`;
}

function row(version: Version, statement: Statement, proofs: readonly Proof[]): string {
  const [id, binds, about] = statement;
  const tests = proofsOf(version, id, proofs).map(({ file, sentence }) => `[${escaped(sentence)}](../${file})`);
  return `| ${id} | ${binds} | ${escaped(about)} | ${tests.join("<br>")} |`;
}

const proofsOf = (version: Version, id: string, proofs: readonly Proof[]): Proof[] =>
  proofs.filter(({ ids }) => ids[version].includes(id));

const escaped = (text: string): string => text.replaceAll(/[\\|[\]*_<>#$]/g, "\\$&");

/** A sentence for whatever tests, standards and page do not agree on. */
export function complaintsAbout(proofs: readonly Proof[], written: string): string[] {
  const complaints: string[] = [];
  for (const { version, statements } of standards) {
    const known = new Set(statements.map(([id]) => id));
    for (const { file, ids, sentence } of proofs) {
      const unknown = ids[version].filter((id) => !known.has(id));
      for (const id of unknown) complaints.push(`${file}: MQTT ${version} has no statement MQTT-${id} ("${sentence}")`);
    }
    for (const statement of statements) {
      const [id, binds, about] = statement;
      if (isOurs(statement) && proofsOf(version, id, proofs).length === 0) {
        complaints.push(`no test has [MQTT-${id}] of MQTT ${version} in its name, which binds ${binds}: ${about}`);
      }
    }
  }
  if (render(proofs) !== written) complaints.push(`${page} is out of date: run node tools/mqtt.ts --write`);
  return complaints;
}
