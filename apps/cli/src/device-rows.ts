import { parseCsv } from "@holdfast/kernel";
import { Misuse } from "./failure.ts";
import { parsePublicKey, type PublicKey } from "./own-files.ts";

/** One row of a file of devices: what would be made of it, or why not. Rows are counted as spreadsheets do: the heading is 1. */
export type DeviceRow = {
  readonly row: number;
  readonly name: string;
  readonly alias: string | undefined;
  readonly product: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly publicKey: PublicKey | undefined;
  /** That it brings; `undefined` where the platform makes one. */
  readonly secret: string | undefined;
  readonly faults: readonly string[];
};

type Products = readonly { readonly id: string; readonly name: string }[];

const columns = ["name", "product", "alias", "tags", "publickey", "secret"];
const said = "name, product, alias, tags, publicKey, secret";
const mostRows = 10_000;

/** As the platform takes it. */
export const isAlias = (text: string): boolean => /^(?! )[A-Za-z0-9._ -]{1,64}(?<! )$/.test(text);

/** @throws Misuse where the file is no table of devices */
export function deviceRows(text: string, products: Products, aliases: ReadonlySet<string>): readonly DeviceRow[] {
  const [heading, ...lines] = tableIn(text)
    .map((cells, at) => ({ cells, row: at + 1 }))
    .filter(({ cells }) => cells.some((cell) => cell.trim() !== ""));
  const named = (heading?.cells ?? []).map((cell) => cell.trim().toLowerCase());
  const strange = named.find((one) => !columns.includes(one));
  if (strange !== undefined) throw new Misuse(`There is no column "${strange}": ${said}.`);
  if (!named.includes("name")) throw new Misuse(`The first line has no column "name".`);
  if (lines.length > mostRows) throw new Misuse(`The file has ${lines.length} devices: ${mostRows} at most at a time.`);
  const seen = {
    aliases: new Map<string, number>(),
    keys: new Map<string, number>(),
    secrets: new Map<string, number>(),
  };
  // What several are called is nobody's name.
  const ids = new Map<string, string | undefined>();
  for (const { id, name } of products) ids.set(name, ids.has(name) ? undefined : id);
  for (const { id } of products) ids.set(id, id);
  return lines.map(({ cells, row }): DeviceRow => {
    const cell = (column: string) => cells[named.indexOf(column)]?.trim() ?? "";
    const faults: string[] = [];
    const name = cell("name");
    if (name === "") faults.push("it has no name");
    if (name.length > 200) faults.push("its name has more than 200 characters");
    if (cells.length > named.length) faults.push("it has more cells than the heading");

    const alias = cell("alias") || undefined;
    if (alias !== undefined) {
      if (!isAlias(alias)) faults.push("its alias is not of 1 to 64 of A-Z a-z 0-9 . _ - and blanks within");
      if (aliases.has(alias)) faults.push(`the alias ${alias} is a device's already`);
      onlyOne(seen.aliases, alias, row, "alias", faults);
    }

    const product = ids.get(cell("product"));
    if (cell("product") !== "" && product === undefined) {
      const isSeveral = ids.has(cell("product"));
      faults.push(isSeveral ? "several products are called so: say which by its id" : "there is no such product");
    }

    const publicKey = keyIn(cell("publickey"), faults);
    if (publicKey) onlyOne(seen.keys, JSON.stringify(publicKey), row, "public key", faults);
    // Whatever stands around it is part of a secret.
    const secret = cells[named.indexOf("secret")] || undefined;
    if (secret !== undefined) onlyOne(seen.secrets, secret, row, "secret", faults);
    return { row, name, alias, product, tags: tagsIn(cell("tags"), faults), publicKey, secret, faults };
  });
}

function tableIn(text: string): readonly (readonly string[])[] {
  try {
    return parseCsv(text);
  } catch (error) {
    throw new Misuse(`The file is no CSV: ${error instanceof Error ? error.message : "unreadable"}.`, { cause: error });
  }
}

/** What two devices have is neither's. */
function onlyOne(seen: Map<string, number>, value: string, row: number, what: string, faults: string[]): void {
  const other = seen.get(value);
  if (other !== undefined) faults.push(`row ${other} has the same ${what}`);
  else seen.set(value, row);
}

function keyIn(text: string, faults: string[]): PublicKey | undefined {
  if (text === "") return undefined;
  try {
    return parsePublicKey(text, "its public key");
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    faults.push(error.message);
    return undefined;
  }
}

function tagsIn(text: string, faults: string[]): Record<string, string> {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  const read = pairs.map((pair) => /^([^=:]{1,128})=(.{0,256})$/.exec(pair.trim()));
  if (read.includes(null)) faults.push("its tags are not such as site=north,floor=3");
  return Object.fromEntries(read.flatMap((pair) => (pair ? [[pair[1]?.trim() ?? "", pair[2]?.trim() ?? ""]] : [])));
}
