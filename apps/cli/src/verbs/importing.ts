import { closeSync, openSync, writeFileSync } from "node:fs";
import { ApiProblem, type Client } from "@holdfast/client";
import { csvCell, parseId, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { deviceRows, isAlias, type DeviceRow } from "../device-rows.ts";
import { failureOf, Hindrance, Misuse, systemCode } from "../failure.ts";
import { readNamed } from "../own-files.ts";
import { allPages } from "../pages.ts";
import { file, idOf, onOff, optional, required } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb, type Verb } from "../verb.ts";
import { onlyApplication } from "./devices.ts";

/** So many are made at a time. */
const atOnce = 8;
const everything = { limit: undefined, cursor: undefined };
/** An alias that a device has must not be missed, however many devices there are. */
const all = { most: Number.POSITIVE_INFINITY };

export const importVerbs: readonly Verb[] = [
  verb({
    name: "device import",
    summary: "Make the devices of a CSV file, and write their secrets into a new file (docs/enrolment.md)",
    arguments: { file: required(file, "with the columns name, product, alias, tags, publicKey, secret") },
    flags: {
      application: optional(idOf("application"), "where they belong; without it the only one there is"),
      "dry-run": onOff("say what would be made, and what is wrong, and make nothing"),
      out: optional(file, "the new file for the secrets, as CSV; needed unless --dry-run"),
    },
    examples: ["device import pumps.csv --dry-run", "device import pumps.csv --out secrets.csv"],
    async run({ file: named, application: given, "dry-run": isDry, out }, tools) {
      if (!isDry && out === undefined)
        throw new Misuse("--out: say which new file is to hold the secrets, or --dry-run.");
      const text = readNamed(named, "FILE");
      const client = await tools.client();
      const application = given ?? (await onlyApplication(client));
      const rows = await withSecretsChecked(await planned(text, client, tools), application, client);
      const faulty = rows.filter(({ faults }) => faults.length > 0);
      for (const { row, name, faults } of faulty) {
        tools.print.line({ row, name, faults }, `row ${row}: ${faults.join("; ")}`);
      }
      const good = rows.length - faulty.length;
      if (isDry) tools.print.note(`${good} devices would be made, ${faulty.length} rows are not good.`);
      if (faulty.length > 0)
        throw new Misuse(`${faulty.length} rows are not good: nothing was made. Mend them and come again.`);
      if (isDry || out === undefined) return;
      const { made, failed, untried, broken } = await makeAll(rows, { application, out, client, tools });
      tools.print.note(`${made} devices were made. ${out} has their secrets, which are shown nowhere else.`);
      if (untried > 0) tools.print.note(`${untried} rows were not tried: import a file of those alone.`);
      if (broken !== undefined) throw broken;
      if (failed > 0) throw new Hindrance(`${failed} rows were not made, as said above: the others were.`);
    },
  }),
];

async function planned(text: string, client: Client, { print }: Tools): Promise<readonly DeviceRow[]> {
  const products = await allPages(everything, print, (query) => client.call(routes.listProducts, { query }), all);
  const there = await allPages(everything, print, (query) => client.call(routes.listDevices, { query }), all);
  const aliases = new Set(there.items.flatMap(({ alias }) => (alias === undefined ? [] : [alias])));
  return deviceRows(text, products.items, aliases);
}

const checkedAtOnce = 1_000;

/** What the platform finds wrong with the secrets that devices bring stands beside what is wrong with the rows. */
async function withSecretsChecked(
  rows: readonly DeviceRow[],
  application: Id<"application">,
  client: Client,
): Promise<readonly DeviceRow[]> {
  const bringing = rows.flatMap(({ secret, row, name, alias }) =>
    secret === undefined ? [] : [{ secret, row, name, alias }],
  );
  const faults = new Map<number, string>();
  for (let from = 0; from < bringing.length; from += checkedAtOnce) {
    const some = bringing.slice(from, from + checkedAtOnce);
    const secrets = some.map(({ secret, name, alias }) => ({
      secret: secret.slice(0, longestSecret),
      ...called(name, alias),
    }));
    const { items } = await client.call(routes.checkSecrets, { params: { application }, body: { secrets } });
    for (const [at, { row }] of some.entries()) {
      const { code, detail } = items[at] ?? {};
      if (code !== undefined) faults.set(row, `its secret ${whatIs[code]}${detail === undefined ? "" : `: ${detail}`}`);
    }
  }
  return rows.map((one) => {
    const fault = faults.get(one.row);
    return fault === undefined ? one : { ...one, faults: [...one.faults, fault] };
  });
}

/** One that is longer is refused as one of this length is. */
const longestSecret = 256;
const whatIs = {
  "secret.known": "is a default that others know",
  "secret.weak": "can be guessed",
  "secret.shared": "is, or was, another device's",
} as const;

/** As far as the platform takes them: what is wrong with the rest has been said. */
const called = (name: string, alias: string | undefined) => ({
  ...(name !== "" && name.length <= 200 && { name }),
  ...(alias !== undefined && isAlias(alias) && { alias }),
});

type Making = {
  readonly application: Id<"application">;
  readonly out: string;
  readonly client: Client;
  readonly tools: Tools;
};

type Outcome = {
  readonly made: number;
  readonly failed: number;
  readonly untried: number;
  readonly broken: Error | undefined;
};

/**
 * Each secret is in the file before the next row's turn: whoever is interrupted loses none that was told. Where something is in the way of all
 * (no connection, a full disk) no further row is begun; those under way end first, and their secrets are in the file, too.
 */
async function makeAll(rows: readonly DeviceRow[], { application, out, client, tools }: Making): Promise<Outcome> {
  const secrets = newFile(out);
  const tell = (row: number, name: string, code: string, sentence: string) =>
    tools.print.line({ row, name, code }, `row ${row}: ${sentence}`);
  let [begun, made, failed] = [0, 0, 0];
  let broken: Error | undefined;
  const make = async ({ row, name, alias, product, tags, publicKey, secret }: DeviceRow) => {
    const wanted = {
      name,
      alias,
      tags,
      publicKey,
      secret,
      product: product === undefined ? undefined : parseId("product", product),
    };
    try {
      const { id, key } = await client.call(routes.createDevice, { body: { application, ...wanted } });
      const line = [String(row), name, id, key.id, key.secret ?? ""].map(csvCell).join(",");
      const unwritten = unwrittenTo(secrets, line);
      if (unwritten === undefined) {
        made += 1;
        return;
      }
      failed += 1;
      broken ??= new Hindrance(`${out} cannot be written (${systemCode(unwritten) ?? "unknown"}).`, {
        cause: unwritten,
      });
      tell(row, name, "local", `${id} was made, and its secret is lost. holdfast device key ${id} makes another.`);
    } catch (error) {
      failed += 1;
      if (error instanceof ApiProblem) return tell(row, name, error.code, error.message);
      broken ??= error instanceof Error ? error : new Error(String(error));
      const { code, sentence } = failureOf(error).told;
      tell(row, name, code, `whether it was made is not known: ${sentence}`);
    }
  };
  const work = async () => {
    for (let next = rows[begun]; next && broken === undefined; next = rows[begun]) {
      begun += 1;
      await make(next);
    }
  };
  try {
    const unwritten = unwrittenTo(secrets, "row,name,device,key,secret");
    if (unwritten !== undefined) throw new Hindrance(`${out} cannot be written.`, { cause: unwritten });
    await Promise.all(Array.from({ length: atOnce }, work));
  } finally {
    closeSync(secrets);
  }
  const rest = rows[begun];
  if (rest) tell(rest.row, rest.name, "notTried", "this one and all below it were not tried.");
  return { made, failed, untried: rows.length - begun, broken };
}

/** What kept a line from being written as a whole. */
function unwrittenTo(opened: number, line: string): unknown {
  try {
    writeFileSync(opened, `${line}\r\n`);
    return undefined;
  } catch (error) {
    return error; // told beside what the line was about
  }
}

/** Only its owner reads it, and nothing that was there is written over. @throws Misuse */
function newFile(name: string): number {
  try {
    return openSync(name, "wx", 0o600);
  } catch (error) {
    throw new Misuse(`--out: ${name} cannot be made (${systemCode(error) ?? "unknown"}).`, { cause: error });
  }
}
