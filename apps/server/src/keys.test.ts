import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { systemClock, systemRandom, systemTimers } from "@holdfast/kernel";
import { Keyring } from "./storage/index.ts";
import { Certificates } from "./tls/index.ts";

// The program as `holdfast keys` runs it, beside a keyring that a server (here: the test) has open.
const base = mkdtempSync(path.join(tmpdir(), "holdfast-keys-"));
after(() => rmSync(base, { recursive: true, force: true }));
chmodSync(base, 0o711);
const at = (...names: string[]): string => path.join(base, ...names);
writeFileSync(at("passphrase"), "correct horse battery\n");
writeFileSync(at("another"), "wrong horse battery\n");
const passphrase = ["--passphrase-file", at("passphrase")];

type Ended = { code: number | null; out: string; err: string };

async function keys(args: readonly string[], { stdin = "", env = {} } = {}): Promise<Ended> {
  const program = path.join(import.meta.dirname, "keys.ts");
  const child = spawn(process.execPath, [program, ...args], { env: { PATH: process.env["PATH"], ...env } });
  child.stdin.on("error", () => {}); // it may end without reading
  child.stdin.end(stdin);
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.on("close", resolve)),
  ]);
  return { code, out, err };
}

const openKeyring = (folder: string): Promise<Keyring> =>
  Keyring.open({ place: { folder }, clock: systemClock, random: systemRandom });

const server = await openKeyring(at("data", "keys"));
const deviceKey = await server.make("device", "one");
after(() => server.close());

test("a copy is made while the server runs, its owner's alone, and never over another file", async () => {
  const args = ["backup", "--data", at("data"), "--out", at("copy"), ...passphrase];
  const made = await keys([...args, "--json"]);
  assert.deepEqual([made.code, made.err], [0, ""]);
  const answer = JSON.parse(made.out);
  assert.deepEqual([answer.file, answer.instance, answer.keys], [at("copy"), server.instance, { root: 1, device: 1 }]);
  assert.equal(answer.keyring, at("data", "keys", "keyring.sqlite"));
  assert.equal(statSync(at("copy")).mode & 0o777, 0o600);
  assert.ok((await server.status()).backedUpAt);

  const before = readFileSync(at("copy"));
  const again = await keys(args);
  assert.deepEqual([again.code, again.out], [2, ""]);
  assert.match(again.err, /copy exists already, and is not overwritten\.\n {2}\(config\.malformed\)/);
  assert.deepEqual(readFileSync(at("copy")), before);
  assert.deepEqual(readdirSync(base).sort(), ["another", "copy", "data", "passphrase"]);
});

test("a copy opens by its passphrase alone, from a file or stdin, and says what it holds", async () => {
  const good = await keys(["verify", "--in", at("copy"), "--passphrase-file", "-"], {
    stdin: "correct horse battery\n",
  });
  assert.equal(good.code, 0);
  assert.match(good.out, new RegExp(`^Opens: .*copy\\n  made .*\\n  instance  ${server.instance}\\n  keys .*device 1`));
  const bad = await keys(["verify", "--in", at("copy"), "--passphrase-file", at("another"), "--json"]);
  assert.deepEqual([bad.code, bad.out, JSON.parse(bad.err).error.code], [1, "", "backup.wrong"]);
});

test("while a server has the keyring open nothing is restored into it", async () => {
  const refused = await keys(["restore", "--data", at("data"), "--in", at("copy"), ...passphrase, "--json"]);
  assert.deepEqual([refused.code, JSON.parse(refused.err).error.code], [1, "storage.inUse"]);
  await server.keepSecret("still", Uint8Array.of(1)); // and the server goes on writing
});

test("a lost keyring comes back from its copy, by the settings of the environment too", async () => {
  const env = { HOLDFAST_DATA: at("lost") };
  const restored = await keys(["restore", "--in", at("copy"), ...passphrase, "--json"], { env });
  assert.deepEqual([restored.code, restored.err, JSON.parse(restored.out).instance], [0, "", server.instance]);
  assert.equal(statSync(at("lost", "keys", "kek")).mode & 0o777, 0o600);
  const keyring = await openKeyring(at("lost", "keys"));
  assert.deepEqual(await keyring.find("device", "one"), deviceKey);
  await keyring.close();
  const again = await keys(["restore", "--in", at("copy"), ...passphrase], { env });
  assert.match(again.out, /^Restored from .*\n {2}made .*\n {2}keyring {3}.*lost\/keys\/keyring\.sqlite\n/);
});

test("the spare root's key goes into a file and comes back, while no server runs", async () => {
  const served = await keys(["take-spare", "--data", at("data"), "--out", at("spare"), ...passphrase, "--json"]);
  assert.deepEqual([served.code, JSON.parse(served.err).error.code], [1, "storage.inUse"]);
  const keyring = await openKeyring(at("idle", "keys"));
  const about = { clock: systemClock, random: systemRandom, timers: systemTimers, names: ["localhost"] };
  const certificates = await Certificates.open({ ...about, secrets: keyring, report: () => undefined });
  await certificates.close();
  await keyring.close();
  const where = ["--data", at("idle"), ...passphrase];
  const isHere = async () => {
    const again = await openKeyring(at("idle", "keys"));
    const opened = await Certificates.open({ ...about, secrets: again, report: () => undefined });
    const found = await opened.staging.isSpareHere();
    await opened.close();
    await again.close();
    return found;
  };
  const taken = await keys(["take-spare", "--out", at("spare"), ...where]);
  assert.match(
    taken.out,
    /^The spare root's key is out of the keyring, and sealed to .*spare\n {2}keyring /,
    taken.err,
  );
  assert.equal(statSync(at("spare")).mode & 0o777, 0o600);
  assert.equal(await isHere(), false);
  const again = await keys(["take-spare", "--out", at("other"), ...where, "--json"]);
  assert.deepEqual([again.code, JSON.parse(again.err).error.code], [1, "roots.spareAway"]);
  const copy = await keys(["bring-spare", "--in", at("copy"), ...where, "--json"]);
  assert.deepEqual([copy.code, JSON.parse(copy.err).error.code], [2, "config.malformed"], "a keys backup is none");
  const brought = await keys(["bring-spare", "--in", at("spare"), ...where, "--json"]);
  assert.deepEqual([brought.code, brought.err, JSON.parse(brought.out).file], [0, "", at("spare")]);
  assert.equal(await isHere(), true);
});

test("wrong use is told, and leaves nothing behind", async () => {
  const cases = [
    [2, ["burn"], /The verbs are backup, restore, verify, take-spare and bring-spare/],
    [2, ["backup", "--out", at("x")], /there is no terminal to ask on/],
    [
      1,
      ["backup", "--out", at("nowhere", "b"), ...passphrase],
      /no folder .*nowhere: make it, .*--out\.\n {2}\(folder\.closed\)/,
    ],
    [2, ["verify", "--in", at("nowhere"), ...passphrase], /nowhere cannot be read \(ENOENT\)/],
    [
      1,
      ["backup", "--data", at("none"), "--out", at("x"), ...passphrase],
      /no keyring at that place: .*none\/keys\/keyring\.sqlite\.\n {2}\(keyring\.unrea/,
    ],
  ] as const;
  const ended = await Promise.all(cases.map(([, args]) => keys(args)));
  for (const [at, [code, , reason]] of cases.entries()) {
    assert.match(ended[at]?.err ?? "", reason);
    assert.deepEqual([ended[at]?.code, ended[at]?.out], [code, ""]);
  }
  assert.deepEqual([existsSync(at("x")), existsSync(at("none"))], [false, false]);
});
