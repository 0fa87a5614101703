import { parseCsv } from "@holdfast/kernel";
import { words } from "../words/index.ts";

const own = words.devices.import.errors;

/** One row of a file: what would be made of it, or why not. Rows are counted as spreadsheets do, the heading is 1. */
export type Planned = {
  readonly row: number;
  readonly name: string;
  readonly alias: string | undefined;
  readonly product: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly errors: readonly string[];
};

/** At most so many at a time: each is one request. */
export const mostRows = 5_000;

/** What a file would make. `undefined` when it has no column called `name`. Products are found by id or name. */
export function plan(
  text: string,
  products: readonly { readonly id: string; readonly name: string }[],
): readonly Planned[] | undefined {
  const [heading = [], ...rows] = parseCsv(text);
  const column = new Map(heading.map((cell, at) => [cell.trim().toLowerCase(), at]));
  if (!column.has("name")) return undefined;
  const aliases = new Map<string, number>();
  return rows.map((cells, at) => {
    const row = at + 2;
    const cell = (name: string) => cells[column.get(name) ?? -1]?.trim() ?? "";
    const errors: string[] = [];
    const name = cell("name");
    if (name === "") errors.push(own.name);
    if (name.length > 200) errors.push(own.longName);

    const alias = cell("alias") === "" ? undefined : cell("alias");
    if (alias !== undefined) {
      if (!/^(?! )[A-Za-z0-9._ -]{1,64}(?<! )$/.test(alias)) errors.push(own.alias);
      const other = aliases.get(alias);
      if (other !== undefined) errors.push(own.sameAlias(other));
      aliases.set(alias, row);
    }

    const wanted = cell("product");
    const product =
      wanted === "" ? undefined : products.find(({ id, name: its }) => id === wanted || its === wanted)?.id;
    if (wanted !== "" && product === undefined) errors.push(own.product);

    const tags = parseTags(cell("tags"));
    if (!tags) errors.push(own.tags);
    return { row, name, alias, product, tags: tags ?? {}, errors };
  });
}

function parseTags(text: string): Record<string, string> | undefined {
  const pairs = text
    .split(",")
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "")
    .map((pair) => /^([^=:]{1,128})=(.{0,256})$/.exec(pair));
  if (pairs.some((pair) => pair === null)) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair?.[1]?.trim() ?? "", pair?.[2]?.trim() ?? ""]));
}
