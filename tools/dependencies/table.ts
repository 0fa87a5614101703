/** What docs/dependencies.md says about one package. */
export type Row = {
  version: string;
  released: string;
  licence: string;
  /** How many dependencies of its own it has. */
  own: number;
  /** Whether it comes with a script that npm would run when installing; here none runs. */
  script: boolean;
};

/** The rows of every table whose first cell names packages in backticks; a row may name several. */
export function rowsOf(markdown: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const line of markdown.split("\n")) {
    const cells = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    const [names = "", version = "", released = "", licence = "", own = "", script = ""] = cells;
    for (const [, name] of names.matchAll(/`([^`]+)`/g)) {
      if (name === undefined) continue;
      rows.set(name, { version, released, licence, own: Number(own), script: script.startsWith("yes") });
    }
  }
  return rows;
}
