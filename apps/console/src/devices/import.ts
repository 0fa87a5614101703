import { parseCsv } from "@holdfast/kernel";
import type { readPublicKey, PublicKey } from "../held/index.ts";
import { words } from "../words/index.ts";

const own = words.devices.import.errors;

/** One row of a file: what would be made of it, or why not. Rows are counted as spreadsheets do, the heading is 1. */
export type Planned = {
  readonly row: number;
  readonly name: string;
  readonly alias: string | undefined;
  readonly product: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly publicKey: PublicKey | undefined;
  /** That the device brings; `undefined` where the platform makes one. */
  readonly secret: string | undefined;
  readonly errors: readonly string[];
};

/** At most so many at a time: each is one request. */
const mostRows = 5_000;

/** What the file's rows are held against. Products are found by id or name. */
export type There = {
  readonly products: readonly { readonly id: string; readonly name: string }[];
  /** Those of devices that there are. */
  readonly aliases: ReadonlySet<string>;
  readonly keyOf: typeof readPublicKey;
};

export const isAlias = (text: string): boolean => /^(?! )[A-Za-z0-9._ -]{1,64}(?<! )$/.test(text);

const columns = ["name", "product", "alias", "tags", "publickey", "secret"];

/** What a file would make, or why it is no table of devices: a column that nobody reads would be missed when it is too late. */
export function plan(
  text: string,
  { products, aliases, keyOf }: There,
): readonly Planned[] | { readonly fault: string } {
  let table: readonly (readonly string[])[];
  try {
    table = parseCsv(text);
  } catch (error) {
    return { fault: error instanceof Error ? error.message : words.problem.unknown };
  }
  const [heading, ...rows] = table
    .map((cells, at) => ({ cells, row: at + 1 }))
    .filter(({ cells }) => cells.some((cell) => cell.trim() !== ""));
  const named = (heading?.cells ?? []).map((cell) => cell.trim().toLowerCase());
  const strange = named.find((one) => !columns.includes(one));
  if (!named.includes("name")) return { fault: words.devices.import.noName };
  if (strange !== undefined) return { fault: words.devices.import.strangeColumn(strange) };
  if (rows.length > mostRows) return { fault: words.devices.import.tooMany(mostRows) };
  const seen = {
    aliases: new Map<string, number>(),
    keys: new Map<string, number>(),
    secrets: new Map<string, number>(),
  };
  return rows.map(({ cells, row }) => {
    const cell = (name: string) => cells[named.indexOf(name)]?.trim() ?? "";
    const errors: string[] = [];
    const name = cell("name");
    if (name === "") errors.push(own.name);
    if (name.length > 200) errors.push(own.longName);
    if (cells.length > named.length) errors.push(own.cells);

    const alias = cell("alias") === "" ? undefined : cell("alias");
    if (alias !== undefined) {
      if (!isAlias(alias)) errors.push(own.alias);
      if (aliases.has(alias)) errors.push(own.takenAlias);
      onlyOne(seen.aliases, alias, row, own.sameAlias, errors);
    }

    const wanted = cell("product");
    const meant = wanted === "" ? [] : products.filter(({ id, name: its }) => id === wanted || its === wanted);
    const product = meant.find(({ id }) => id === wanted)?.id ?? meant[0]?.id;
    if (wanted !== "" && product === undefined) errors.push(own.product);
    if (meant.length > 1 && product !== wanted) errors.push(own.products);

    const read = cell("publickey") === "" ? undefined : keyOf(cell("publickey"));
    const publicKey = read && "key" in read ? read.key : undefined;
    if (read && "fault" in read) errors.push(words.held.faults[read.fault]);
    if (publicKey) onlyOne(seen.keys, JSON.stringify(publicKey), row, own.sameKey, errors);
    // Whatever stands around it is part of a secret.
    const brought = cells[named.indexOf("secret")] ?? "";
    const secret = brought === "" ? undefined : brought;
    if (secret !== undefined) onlyOne(seen.secrets, secret, row, own.sameSecret, errors);

    const tags = parseTags(cell("tags"));
    if (!tags) errors.push(own.tags);
    return { row, name, alias, product, tags: tags ?? {}, publicKey, secret, errors };
  });
}

/** What two devices have is neither's. */
function onlyOne(
  seen: Map<string, number>,
  value: string,
  row: number,
  same: (row: number) => string,
  errors: string[],
): void {
  const other = seen.get(value);
  if (other !== undefined) errors.push(same(other));
  else seen.set(value, row);
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
