import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { nodeTransport } from "@holdfast/client/node";
import { parseCsv, systemClock } from "@holdfast/kernel";
import { holdfast } from "../apps/cli/src/testing/world.ts";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner } from "./authority.fixture.ts";

// Devices of a CSV file: docs/enrolment.md, "Many at once".
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const owner = new Owner(platform.visitor, await platform.setUp());
const application = await owner.application();
const { folder } = platform.database;
const file = (name: string) => path.join(folder, name);
writeFileSync(file("ca.pem"), platform.platform.caPem ?? "");

const env = {
  XDG_CONFIG_HOME: folder,
  HOLDFAST_URL: platform.platform.url,
  HOLDFAST_CA_FILE: file("ca.pem"),
  HOLDFAST_TOKEN: owner.token,
};
function imported(csv: string, ...flags: string[]) {
  writeFileSync(file("in.csv"), csv);
  const argv = ["device", "import", file("in.csv"), "--application", application.id, ...flags];
  return holdfast(argv, { clock: systemClock, transport: (ca) => nodeTransport({ ca }), env });
}
const names = async () =>
  (await owner.asks.get<{ items: { name: string }[] }>("/v1/devices?limit=1000")).items.map(({ name }) => name);
const jwk = () => JSON.stringify(generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }));
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

test("a file makes devices, whose secrets are in a file of their owner's alone, and open what is theirs", async () => {
  const product = await owner.product();
  const csv = `name,product,alias,tags,publicKey\nPump 1,${product.id},p1,"site=north,floor=3",\n=cmd(),,,,\nPump 3,,,,${quoted(jwk())}\n`;
  const dry = await imported(csv, "--dry-run");
  assert.equal(dry.exit, 0, dry.err);
  assert.deepEqual(await names(), []);
  const { exit, err } = await imported(csv, "--out", file("secrets.csv"));
  assert.equal(exit, 0, err);
  assert.deepEqual((await names()).toSorted(), ["=cmd()", "Pump 1", "Pump 3"]);
  assert.equal(statSync(file("secrets.csv")).mode & 0o777, 0o600);
  const [heading, ...rows] = parseCsv(readFileSync(file("secrets.csv"), "utf8"));
  assert.deepEqual(heading, ["row", "name", "device", "key", "secret"]);
  const byRow = new Map(rows.map((cells) => [cells[0], cells]));
  assert.equal(byRow.get("3")?.[1], "'=cmd()", "no spreadsheet takes a name for a formula");
  const [, , device, key, secret] = byRow.get("2") ?? [];
  const headers = { "x-auth-token": `${key}.${secret}` };
  const me = await platform.visitor.send<{ device: string }>("GET", "/v1/me", { headers });
  assert.deepEqual([me.status, me.body.device], [200, device]);
  const bound = byRow.get("4") ?? [];
  const alone = await platform.visitor.send<{ code: string }>("GET", "/v1/me", {
    headers: { "x-auth-token": `${bound[3]}.${bound[4]}` },
  });
  assert.equal(alone.body.code, "proof.required", "a key that was brought has to be proved");
  const again = await imported("name\nPump 9\n", "--out", file("secrets.csv"));
  assert.equal(again.exit, 2, "secrets are written over nothing");
});

test("each row that is not good is told with what is wrong, and then nothing is made", async () => {
  await owner.asks.post("/v1/devices", { application: application.id, name: "Valve", alias: "valve" });
  const before = await names();
  const key = quoted(jwk());
  const faults: readonly (readonly [string, RegExp])[] = [
    ["name,alias\n,x\n", /row 2: it has no name/],
    ["name,alias\na,x y\n", /row 2: its alias/],
    ["name,alias\na,valve\n", /row 2: the alias valve is a device's already/],
    ["name,alias\na,q\nb,q\n", /row 3: row 2 has the same alias/],
    ["name,product\na,nothing\n", /row 2: there is no such product/],
    ["name,tags\na,site\n", /row 2: its tags/],
    ["name,publicKey\na,hello\n", /row 2: its public key is no public key/],
    [`name,publicKey\na,${key}\nb,${key}\n`, /row 3: row 2 has the same public key/],
    ["name\na,b\n", /row 2: it has more cells/],
    ["name,secret\na,admin\n", /"secret" is not taken/],
    ["name,password\na,12345678\n", /"password" is not taken/],
    ["title\na\n", /no column "title"/],
    ['name\n"a\n', /no CSV: a quote/],
  ];
  for (const [csv, says] of faults) {
    for (const flags of [["--dry-run"], ["--out", file("none.csv")]]) {
      const { exit, out, err } = await imported(csv, ...flags);
      assert.equal(exit, 2, csv);
      assert.match(out + err, says, csv);
    }
  }
  assert.deepEqual(await names(), before);
  assert.equal(existsSync(file("none.csv")), false);
});

test("what the platform refuses is told by row, and the others are made", async () => {
  const tags = Array.from({ length: 200 }, (_, n) => `t${n}=1`).join(",");
  const csv = `name,tags\nnew one,\nwith too many,"${tags}"\nnew two,\n`;
  const { exit, out } = await imported(csv, "--out", file("more.csv"));
  assert.equal(exit, 1);
  assert.match(out, /row 3: /);
  const [, ...rows] = parseCsv(readFileSync(file("more.csv"), "utf8"));
  assert.deepEqual(
    rows.map(([row = ""]) => row).toSorted((a, b) => a.localeCompare(b)),
    ["2", "4"],
  );
  const there = await names();
  assert.deepEqual(
    ["new one", "new two", "with too many"].map((one) => there.includes(one)),
    [true, true, false],
  );
});
