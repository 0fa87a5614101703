import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { connectAsync } from "mqtt";
import { NotReached } from "@holdfast/client";
import { nodeTransport } from "@holdfast/client/node";
import { parseCsv, systemClock } from "@holdfast/kernel";
import { holdfast } from "../apps/cli/src/testing/world.ts";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner } from "./authority.fixture.ts";

// Devices of a CSV file: docs/enrolment.md, "Many at once"; and a file of codes for their boxes: docs/claiming.md.
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
const command = (...argv: string[]) =>
  holdfast(argv, { clock: systemClock, transport: (ca) => nodeTransport({ ca }), env });
function imported(csv: string | Buffer, ...flags: string[]) {
  writeFileSync(file("in.csv"), csv);
  return command("device", "import", file("in.csv"), "--application", application.id, ...flags);
}
const names = async () =>
  (await owner.asks.get<{ items: { name: string }[] }>("/v1/devices?limit=1000")).items.map(({ name }) => name);
const jwk = () => JSON.stringify(generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }));
/** As a factory makes them. */
const brought = (at: number) => createHash("sha256").update(`${owner.org} ${at}`).digest("hex").slice(0, 24);
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
  const theirs = brought(0);
  await owner.asks.post("/v1/devices", { application: application.id, name: "Bringing", secret: theirs });
  for (const name of ["Fan", "Fan"]) await owner.asks.post("/v1/products", { name });
  const before = await names();
  const key = quoted(jwk());
  const faults: readonly (readonly [string | Buffer, RegExp])[] = [
    ["name,alias\n,x\n", /row 2: it has no name/],
    ["name,alias\na,x/y\n", /row 2: its alias/],
    ["name,alias\na,valve\n", /row 2: the alias valve is a device's already/],
    ["name,alias\na,q\nb,q\n", /row 3: row 2 has the same alias/],
    ["name,product\na,nothing\n", /row 2: there is no such product/],
    ["name,product\n\n,\na,Fan\n", /^row 4: several products are called so: say which by its id$/m],
    ["name,tags\na,site\n", /row 2: its tags/],
    ["name,publicKey\na,hello\n", /row 2: its public key is no public key/],
    [`name,publicKey\na,${key}\nb,${key}\n`, /row 3: row 2 has the same public key/],
    ["name\na,b\n", /row 2: it has more cells/],
    ["name,password\na,12345678\n", /no column "password"/],
    ["name,secret\na,admin\n", /row 2: its secret is a default that others know/],
    ["name,secret\na,123456\n", /row 2: its secret can be guessed/],
    ["name,secret\nPump 4711 of the North,pump-4711-of-the-north\n", /row 2: its secret can be guessed: .*called/],
    [`name,secret\na,${brought(1)}\nb,${brought(1)}\n`, /row 3: row 2 has the same secret/],
    [`name,secret\na,${theirs}\n`, /row 2: its secret is, or was, another device's/],
    ["title\na\n", /no column "title"/],
    ['name\n"a\n', /no CSV: a quote/],
    [Buffer.from([0x6e, 0x61, 0x6d, 0x65, 0x0a, 0x50, 0xfc, 0x0a]), /no CSV: it is not in UTF-8/],
  ];
  for (const [csv, says] of faults) {
    for (const flags of [["--dry-run"], ["--out", file("none.csv")]]) {
      const { exit, out, err } = await imported(csv, ...flags);
      assert.equal(exit, 2, String(csv));
      assert.match(out + err, says, String(csv));
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

test("where the connection is lost nothing more is begun, what was under way is kept with its secret, and the rest is told", async () => {
  const rows = Array.from({ length: 40 }, (_, at) => `lost ${at}`);
  writeFileSync(file("in.csv"), `name\n${rows.join("\n")}\n`);
  const argv = ["device", "import", file("in.csv"), "--application", application.id, "--out", file("lost.csv")];
  let asked = 0;
  const { exit, out, err } = await holdfast(argv, {
    clock: systemClock,
    env,
    transport: (ca) => {
      const real = nodeTransport({ ca });
      return {
        close: () => real.close(),
        async send(outgoing) {
          if (outgoing.method !== "POST") return real.send(outgoing);
          asked += 1;
          if (asked !== 10) return real.send(outgoing);
          throw new NotReached("unreachable", "Nobody is there.");
        },
      };
    },
  });
  assert.equal(exit, 3, err);
  assert.match(out, /row 11: whether it was made is not known: Nobody is there/);
  assert.match(out, /all below it were not tried/);
  const [, ...kept] = parseCsv(readFileSync(file("lost.csv"), "utf8"));
  const there = (await names()).filter((name) => name.startsWith("lost "));
  assert.deepEqual(kept.map(([, name = ""]) => name).toSorted(), there.toSorted());
  assert.equal(asked, there.length + 1);
  assert.ok(asked < 20, `${asked} were begun`);
  assert.match(err, new RegExp(`${there.length} devices were made`));
});

test("a device signs in with the secret that it brought; no other is given it, not even when that one is gone, and nothing keeps it in clear", async () => {
  const [one, two] = [brought(10), brought(11)];
  const { exit, err } = await imported(`name,secret\nBrings one,${one}\nGets one,\n`, "--out", file("brought.csv"));
  assert.equal(exit, 0, err);
  const secrets = readFileSync(file("brought.csv"), "utf8");
  assert.equal(secrets.includes(one), false, "whoever wrote the file has it");
  const [, first = [], second = []] = parseCsv(secrets);
  assert.deepEqual([first[4], second[4]].map((secret = "") => secret.slice(0, 4)).toSorted(), ["", "hfs_"]);
  const [, , device, key = ""] = first[4] === "" ? first : second;
  const me = (secret: string) =>
    platform.visitor.send<{ device: string; code?: string }>("GET", "/v1/me", {
      headers: { "x-auth-token": `${key}.${secret}` },
    });
  assert.deepEqual([(await me(one)).status, (await me(one)).body.device], [200, device]);
  const client = await connectAsync(platform.platform.mqttsUrl, {
    ca: platform.platform.caPem ?? "",
    username: key,
    password: one,
    reconnectPeriod: 0,
  });
  await client.publishAsync("me/telemetry", `{"temperature":21.5}`, { qos: 1 });
  await client.endAsync();
  for (const wrong of [two, `${one}0`, one.toUpperCase(), ""])
    assert.equal((await me(wrong)).body.code, "credential.invalid", wrong);

  const make = async (more: object) => {
    const body = { application: application.id, name: "x", ...more };
    return (await owner.asks.send<{ code?: string }>("POST", "/v1/devices", { body })).body.code;
  };
  const keysBefore = (await platform.platform.keysStatus()).keys;
  assert.equal(await make({ secret: one }), "secret.shared");
  assert.equal(await make({ secret: "Admin!" }), "secret.known");
  assert.equal(await make({ secret: "abcdefghijklmnopqrst" }), "secret.weak");
  assert.equal(await make({ secret: "mypumps-are-mine", alias: "mypumps-are-mine" }), "secret.weak");
  assert.equal((await platform.platform.keysStatus()).keys, keysBefore, "what is refused leaves no key behind");
  // One of the platform's own takes its place; it stays that device's.
  const rotated = await owner.asks.post<{ secret: string }>(`/v1/credentials/${key}/rotate`, {});
  assert.deepEqual([(await me(rotated.secret)).status, (await me(one)).status], [200, 200]);
  await owner.asks.post(`/v1/devices/${device}/retire`);
  assert.equal(await make({ secret: one }), "secret.shared");
  const other = new Owner(platform.visitor, await platform.setUp());
  const elsewhere = { application: (await other.application()).id, name: "x", secret: one };
  assert.equal(
    (await other.asks.send("POST", "/v1/devices", { body: elsewhere })).status,
    201,
    "nobody learns of others",
  );
  assert.equal(
    platform.log.some((line) => line.includes(one)),
    false,
  );
  assert.equal(JSON.stringify(await owner.audited()).includes(one), false);
});

test("how often an organisation asks what is wrong with secrets has an end: whether one is a device's is in the answer", async () => {
  const other = new Owner(platform.visitor, await platform.setUp());
  const where = `/v1/applications/${(await other.application()).id}/secret-checks`;
  const body = { secrets: [{ secret: brought(20) }, { secret: "admin" }] };
  const seen: unknown[] = [];
  for (let at = 0; at < 41; at++) {
    const answer = await other.asks.send<{ items?: { code?: string }[]; code?: string }>("POST", where, { body });
    seen.push(answer.body.code ?? answer.body.items?.map(({ code }) => code));
  }
  assert.deepEqual([seen[0], seen.at(-1)], [[undefined, "secret.known"], "rate.exceeded"]);
});

test("a disk that is full ends an import: what is in the file is whole, of what was made and is not in it the ids are told, and the rest is not tried", async () => {
  const rows = Array.from({ length: 60 }, (_, at) => `full ${at}`);
  writeFileSync(file("in.csv"), `name\n${rows.join("\n")}\n`);
  const program = path.join(import.meta.dirname, "../apps/cli/src/main.ts");
  // No disk of its own for this: a file of a process that may not grow any further is answered as one on a full disk.
  const limited = `trap '' XFSZ; ulimit -f 1; exec "$0" "$@"`;
  const flags = ["--application", application.id, "--out", file("full.csv")];
  const argv = ["-c", limited, process.execPath, program, "device", "import", file("in.csv"), ...flags];
  const child = spawn("sh", argv, { env: { ...env, HOME: folder }, stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  assert.equal(code, 1, err);
  assert.match(err, /full\.csv cannot be written \(EFBIG\)/);
  assert.match(out, /all below it were not tried/);
  const there = (await names()).filter((name) => name.startsWith("full "));
  const lines = readFileSync(file("full.csv"), "utf8").split("\r\n");
  const whole = lines.slice(1, -1).map((line) => line.split(",")[1] ?? "");
  const lost = [
    ...out.matchAll(
      /^row (\d+): (dev_\w+) was made, and its secret is lost\. holdfast device key \2 makes another\.$/gm,
    ),
  ];
  assert.ok(whole.length > 0 && lost.length > 0, out);
  const lostNames = lost.map(([, row]) => rows[Number(row) - 2] ?? "");
  assert.deepEqual([...whole, ...lostNames].toSorted(), there.toSorted());
  assert.ok(there.length < 30, `${there.length} were begun`);
  assert.match(err, new RegExp(`^${whole.length} devices were made`, "m"));
});

test("codes for boxes are made of those that have none: what is printed already stays good until somebody says otherwise", async () => {
  const { id: product } = await owner.product();
  const make = (name: string) =>
    owner.asks.post<{ id: string }>("/v1/devices", { application: application.id, product, name });
  const [pump, fan] = [await make("Pump, left"), await make("=cmd()")];
  const codes = (...flags: string[]) => command("device", "codes", "--product", product, ...flags);
  const first = parseCsv((await codes()).out);
  assert.deepEqual(first[0], ["device", "name", "code"]);
  assert.deepEqual(
    first.slice(1).map(([id, name]) => [id, name]),
    [
      [pump.id, "Pump, left"],
      [fan.id, "'=cmd()"],
    ],
  );

  const late = await make("Late");
  const second = await codes();
  assert.deepEqual(
    parseCsv(second.out)
      .slice(1)
      .map(([id]) => id),
    [late.id],
  );
  assert.match(second.err, /^2 have a code that is good, and keep it: --replace makes others\.$/m);

  const third = await codes();
  assert.deepEqual([third.exit, third.out], [2, ""]);
  assert.match(third.err, /Each of them has a code that is good: --replace/);

  const replaced = parseCsv((await codes("--replace")).out);
  assert.equal(replaced.length, 4);
  assert.notEqual(replaced[1]?.[2], first[1]?.[2]);
  const json = await codes("--replace", "--json");
  const lines = json.out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { device: string });
  assert.deepEqual(
    lines.map(({ device }) => device),
    [pump.id, fan.id, late.id],
  );
});

test("what ends something answers a document to programs, like all that a verb says", async () => {
  const pump = await owner.device(application.id);
  const group = await owner.asks.post<{ id: string }>(`/v1/applications/${application.id}/groups`, { name: "gone" });
  await owner.asks.post(`/v1/devices/${pump.id}/handover`, {});
  const withdrawn = await command("device", "hand-over", pump.id, "--withdraw", "--json");
  assert.deepEqual(JSON.parse(withdrawn.out), { id: pump.id, withdrawn: true });
  const deleted = await command("group", "delete", group.id, "--application", application.id, "--json");
  assert.deepEqual(JSON.parse(deleted.out), { id: group.id, deleted: true });
});
