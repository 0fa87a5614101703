import { closeSync, openSync, writeSync } from "node:fs";
import { ApiProblem, type Client } from "@holdfast/client";
import { csvCell, parseId, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { deviceRows, type DeviceRow } from "../device-rows.ts";
import { Hindrance, Misuse, systemCode } from "../failure.ts";
import { readNamed } from "../own-files.ts";
import { allPages } from "../pages.ts";
import { file, idOf, onOff, optional, required } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb, type Verb } from "../verb.ts";
import { onlyApplication } from "./devices.ts";

/** So many are made at a time. */
const atOnce = 8;
const everything = { limit: undefined, cursor: undefined };

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
      const failed = await makeAll(rows, { application, out, client, tools });
      tools.print.note(`${good - failed} devices were made. ${out} has their secrets, which are shown nowhere else.`);
      if (failed > 0) throw new Hindrance(`${failed} rows were not made, as said above: the others were.`);
    },
  }),
];

async function planned(text: string, client: Client, { print }: Tools): Promise<readonly DeviceRow[]> {
  const products = await allPages(everything, print, (query) => client.call(routes.listProducts, { query }));
  const there = await allPages(everything, print, (query) => client.call(routes.listDevices, { query }));
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
  ...(alias !== undefined && /^[A-Za-z0-9._-]{1,64}$/.test(alias) && { alias }),
});

type Making = {
  readonly application: Id<"application">;
  readonly out: string;
  readonly client: Client;
  readonly tools: Tools;
};

/** Each secret is in the file before the next row's turn: whoever is interrupted loses none that was told. Answers how many failed. */
async function makeAll(rows: readonly DeviceRow[], { application, out, client, tools }: Making): Promise<number> {
  const secrets = newFile(out);
  let failed = 0;
  const queue = rows.values();
  const work = async () => {
    for (const { row, name, alias, product, tags, publicKey, secret } of queue) {
      const wanted = {
        name,
        alias,
        tags,
        publicKey,
        secret,
        product: product === undefined ? undefined : parseId("product", product),
      };
      try {
        const made = await client.call(routes.createDevice, { body: { application, ...wanted } });
        const line = [String(row), name, made.id, made.key.id, made.key.secret ?? ""].map(csvCell).join(",");
        writeSync(secrets, `${line}\r\n`);
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error;
        failed += 1;
        tools.print.line({ row, name, code: error.code }, `row ${row}: ${error.message}`);
      }
    }
  };
  try {
    writeSync(secrets, "row,name,device,key,secret\r\n");
    await Promise.all(Array.from({ length: atOnce }, work));
  } finally {
    closeSync(secrets);
  }
  return failed;
}

/** Only its owner reads it, and nothing that was there is written over. @throws Misuse */
function newFile(name: string): number {
  try {
    return openSync(name, "wx", 0o600);
  } catch (error) {
    throw new Misuse(`--out: ${name} cannot be made (${systemCode(error) ?? "unknown"}).`, { cause: error });
  }
}
