import { elsewhere } from "./elsewhere.ts";
import { chapters, type Requirement } from "./requirements.ts";

/** A test that proves requirements, and its name without their ids. */
export type Proof = { readonly file: string; readonly sentence: string; readonly ids: readonly string[] };

/** Where what was not proved is said: by file, so that tests can say it too. */
export type Said = { readonly elsewhere: Readonly<Record<string, string>> };

const said: Said = { elsewhere };
const page = "docs/asvs.md";
const all = chapters.flatMap(({ requirements }) => requirements);

const introduction = `# OWASP ASVS, requirement by requirement

Each requirement of chapters V6 and V7 of OWASP's [Application Security Verification Standard](https://owasp.org/www-project-application-security-verification-standard/)
5.0.0, levels 1 to 3, and the tests that prove it here, or why there is none. Generated from the names of the tests by
\`node tools/asvs.ts --write\`, never by hand: \`npm run check\` fails on a requirement without either, on a test that names one
there is not, and on a page that is out of date. The reasons stand in \`tools/asvs/elsewhere.ts\`.

What a requirement says stands in the standard; here are a few words of ours for finding it.
`;

export function proofsFrom(file: string, names: readonly string[]): Proof[] {
  const id = /\[(V[67]\.\d+\.\d+)\] ?/g;
  return names
    .filter((name) => name.search(id) >= 0)
    .map((name) => ({
      file,
      sentence: name.replaceAll(id, "").trim(),
      ids: [...name.matchAll(id)].flatMap(([, found]) => found ?? []),
    }));
}

/** The page as it should be. */
export function render(proofs: readonly Proof[], { elsewhere } = said): string {
  const answer = (id: string) => {
    const tests = proofs.filter(({ ids }) => ids.includes(id));
    const links = tests.map(({ file, sentence }) => `[${escaped(sentence)}](../${file})`);
    return [...links, ...(elsewhere[id] ? [elsewhere[id]] : [])].join("<br>");
  };
  const row = ([id, level, about]: Requirement) => `| ${id} | ${level} | ${escaped(about)} | ${answer(id)} |`;
  const parts = chapters.map(({ name, requirements }) =>
    [
      `## ${name}`,
      "",
      "| requirement | level | about | answer |",
      "| --- | --- | --- | --- |",
      ...requirements.map(row),
      "",
    ].join("\n"),
  );
  return [introduction, ...parts].join("\n");
}

const escaped = (text: string): string => text.replaceAll(/[\\|[\]*_<>#$]/g, "\\$&");

/** A sentence for whatever tests, reasons, requirements and page do not agree on. */
export function complaintsAbout(proofs: readonly Proof[], written: string, { elsewhere } = said): string[] {
  const known = new Set(all.map(([id]) => id));
  const proved = new Set(proofs.flatMap(({ ids }) => ids));
  const complaints = proofs.flatMap(({ file, ids, sentence }) =>
    ids.filter((id) => !known.has(id)).map((id) => `${file}: ASVS 5.0 has no ${id} in V6 and V7 ("${sentence}")`),
  );
  for (const id of Object.keys(elsewhere)) {
    if (!known.has(id)) complaints.push(`tools/asvs: ASVS 5.0 has no ${id} in V6 and V7`);
  }
  for (const [id, level, about] of all) {
    if (!proved.has(id) && !(id in elsewhere))
      complaints.push(`no test has [${id}] in its name, of level ${level}: ${about}`);
  }
  if (render(proofs, { elsewhere }) !== written) {
    complaints.push(`${page} is out of date: run node tools/asvs.ts --write`);
  }
  return complaints;
}
