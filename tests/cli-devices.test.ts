import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { newId, systemRandom } from "@holdfast/kernel";
import { commandLine } from "./cli.fixture.ts";
import { Manufacturer } from "./manufacturers.fixture.ts";

// The life of devices by the command line: whose they are, who speaks for them, with whom they talk, and who is told of them.
const { folder, call, answer, read, refused, setUp } = await commandLine();
const { person } = await setUp();
const { id: application } = await answer("application", "create", "--name", "Heating");
const of = ["--application", application];
const device = async (name: string, ...more: string[]): Promise<string> =>
  (await answer("device", "create", ...of, "--name", name, ...more)).id;
const names = (page: { items: { name: string }[] }) => page.items.map(({ name }) => name);

test("alerts: a rule is made, changed in part and shown, an alert that never was is unknown, and a webhook is tried, enabled and ended", async () => {
  const hook = await answer("webhook", "create", "--name", "Pager", "--address", "https://pager.invalid/x");
  assert.match(hook.secret, /^whsec_/);
  assert.match(await read("webhook", "list"), /whk_\w+ +Pager +enabled/);
  assert.match(await read("webhook", "try", hook.id), /no: .*pager\.invalid/);
  assert.equal((await answer("webhook", "enable", hook.id)).state, "enabled");

  const line = ["alert", "rule-create", "--name", "Away", "--state", "offline", "--after", "1s"];
  const other = await answer("webhook", "create", "--name", "Board", "--address", "https://board.invalid/x");
  const rule = await answer(...line, "--tag", "site=north", "--webhook", hook.id);
  assert.deepEqual([rule.of, rule.webhooks], [{ tag: { key: "site", value: "north" } }, [hook.id]]);
  const update = (...more: string[]) => answer("alert", "rule-update", rule.id, ...more);
  const renamed = await update("--name", "Gone", "--state", "offline", "--state", "silent");
  assert.deepEqual([renamed.name, renamed.states, renamed.of], ["Gone", ["offline", "silent"], rule.of]);
  assert.deepEqual((await update("--webhook", other.id)).webhooks, [hook.id, other.id]);
  const less = await update("--without", hook.id, "--all");
  assert.deepEqual([less.webhooks, less.of, less.name], [[other.id], { all: true }, "Gone"]);
  assert.equal(await refused(undefined, "alert", "rule-update", rule.id, "--person", person), "mail.none");
  assert.match(await read("alert", "rules"), /rul_\w+ +Gone +offline silent +1s +all devices/);
  for (const [more, why] of [
    [[], /Say what to change/],
    [["--all", "--tag", "a=b"], /name one of them/],
    [["--without", "whk_0"], /It does not tell whk_0/],
  ] as const) {
    const wrong = await call(["alert", "rule-update", rule.id, ...more]);
    assert.equal(wrong.exit, 2);
    assert.match(wrong.err, why);
  }

  assert.deepEqual((await answer("alert", "list", "--state", "open")).items, []);
  const unknown = newId("alert", systemRandom);
  assert.equal(await refused(undefined, "alert", "get", unknown), "alert.unknown");
  assert.equal(await refused(undefined, "alert", "acknowledge", unknown), "alert.unknown");
  assert.deepEqual(await answer("alert", "rule-delete", rule.id), { id: rule.id, deleted: true });
  assert.deepEqual(await answer("webhook", "delete", hook.id), { id: hook.id, deleted: true });
  assert.deepEqual((await answer("alert", "rules")).items, []);
});

test("groups: devices are let in and expelled, and a task is put, shown and cancelled", async () => {
  const [first, second] = [await device("First"), await device("Second")];
  const group = await answer("group", "create", ...of, "--name", "line");
  assert.deepEqual(names(await answer("group", "list", ...of)), ["line"]);
  await answer("group", "admit", group.id, first, ...of);
  const both = await answer("group", "admit", group.id, second, ...of, "--read-only");
  type Member = { device: string; read: boolean; write: boolean };
  assert.deepEqual(Object.fromEntries(both.members.map(({ device: id, ...may }: Member) => [id, may])), {
    [first]: { read: true, write: true },
    [second]: { read: true, write: false },
  });
  assert.match(await read("group", "get", group.id, ...of), new RegExp(`${second} +reads\n`));

  const task = await answer("task", "put", group.id, "fill", ...of, "--body", '{"tank": 3}', "--expires", "1h");
  assert.deepEqual([task.state, task.body], ["waiting", { tank: 3 }]);
  assert.match(await read("task", "list", group.id, ...of, "--state", "waiting"), /tsk_\w+ +fill +waiting/);
  assert.equal((await answer("task", "get", group.id, task.id, ...of)).name, "fill");
  assert.equal((await answer("task", "cancel", group.id, task.id, ...of)).state, "cancelled");

  assert.equal((await answer("group", "expel", group.id, first, ...of)).members.length, 1);
  await answer("group", "delete", group.id, ...of);
  assert.equal(await refused(undefined, "group", "get", group.id, ...of), "group.unknown");
});

test("a gateway is bound to a device and let go", async () => {
  const [gateway, child] = [await device("Gateway"), await device("Child")];
  assert.equal((await answer("gateway", "bind", child, "--gateway", gateway)).gateway, gateway);
  assert.deepEqual(names(await answer("device", "list", "--gateway", gateway)), ["Child"]);
  assert.equal((await answer("gateway", "unbind", child)).gateway, undefined);
});

test("a box has a code, a device is a user's and nobody's again, and another organisation takes it over by its code", async () => {
  const boxed = await device("Boxed");
  const before = await answer("device", "claim", boxed);
  assert.deepEqual([before.state, before.code], ["unclaimed", "none"]);
  const { code } = await answer("device", "code", boxed, "--expires", "1d");
  assert.match(code, /^[0-9A-Z-]{10,}$/);
  assert.equal((await answer("device", "claim", boxed)).code, "good");

  const user = await answer("app-user", "invite", ...of, "--email", "grace@example.com");
  assert.equal((await answer("device", "bind", boxed, "--user", user.id)).user, user.id);
  assert.deepEqual(names(await answer("app-user", "devices", user.id, ...of)), ["Boxed"]);
  assert.equal((await answer("device", "unbind", boxed)).user, undefined);
  assert.deepEqual((await answer("app-user", "devices", user.id, ...of)).items, []);

  const handed = await answer("device", "hand-over", boxed);
  assert.equal(await refused(undefined, "device", "take-over", "AAAA-BBBB-CCCC", ...of), "handover.invalid");
  const there = await answer("org", "create", "--name", "Elsewhere");
  const theirs = (...argv: string[]) =>
    call([...argv, "--json"], { env: { HOLDFAST_TOKEN: there.token } }).then(({ out }) => JSON.parse(out));
  await theirs("application", "create", "--name", "Theirs");
  const taken = await theirs("device", "take-over", handed.code);
  assert.match(taken.key.secret, /^hfs_/);
  assert.equal((await theirs("device", "get", taken.device)).name, "Boxed");
  assert.equal(await refused(undefined, "device", "hand-over", boxed), "device.retired");
  const kept = await device("Kept");
  const { code: withdrawn } = await answer("device", "hand-over", kept);
  await answer("device", "hand-over", kept, "--withdraw");
  assert.equal(await refused(undefined, "device", "take-over", withdrawn, ...of), "handover.invalid");
});

test("users of an application are invited, shown, suspended, let in again, given another code, erased for and removed", async () => {
  const user = await answer("app-user", "invite", ...of, "--email", "rosa@example.com");
  const one = (verb: string, ...more: string[]) => answer("app-user", verb, user.id, ...of, ...more);
  assert.match(await read("app-user", "list", ...of), /usr_\w+ +rosa@example\.com +pending/);
  assert.equal((await one("get")).login, "rosa@example.com");
  assert.notEqual((await one("reset")).code, user.code);
  assert.equal((await one("suspend")).state, "suspended");
  assert.notEqual((await one("activate")).state, "suspended");
  assert.deepEqual((await one("sessions")).items, []);
  assert.deepEqual((await one("passkeys")).items, []);
  assert.equal((await one("sign-out")).signedOut, true);
  const unknown = newId("passkey", systemRandom);
  assert.equal(await refused(undefined, "app-user", "remove-passkey", user.id, unknown, ...of), "passkey.unknown");
  const wrong = await call(["app-user", "erase", user.id, ...of, "--confirm", "grace@example.com"]);
  assert.deepEqual([wrong.exit, /nothing was erased/.test(wrong.err)], [2, true]);
  const erase = ["app-user", "erase", user.id, ...of, "--confirm", "rosa@example.com"];
  assert.equal(await refused(undefined, ...erase), "user.nothing");
  assert.equal((await one("remove")).removed, true);
  assert.equal(await refused(undefined, "app-user", "get", user.id, ...of), "user.unknown");
});

test("a manufacturer proves its authority's key, and its devices may enrol", async () => {
  const maker = await Manufacturer.of(Date.now());
  const product = await answer("product", "create", "--name", "Valve");
  const at = (name: string) => path.join(folder, name);
  writeFileSync(at("acme.pem"), maker.certificate);
  await answer("manufacturer", "ask", ...of, "--authority", at("acme.pem"), "--out", at("nonce.txt"));
  const line = ["manufacturer", "add", ...of, "--product", product.id, "--name", "Acme", "--authority", at("acme.pem")];
  const proof = ["--nonce", at("nonce.txt"), "--signature", at("nonce.sig")];
  writeFileSync(at("nonce.sig"), "not a signature");
  assert.equal(await refused(undefined, ...line, ...proof), "manufacturer.unproved");
  writeFileSync(at("nonce.sig"), Buffer.from(maker.sign(readFileSync(at("nonce.txt"), "utf8")), "base64"));
  await answer(...line, ...proof, "--most", "10", "--valid", "30d");
  assert.match(await read("manufacturer", "list", "--product", product.id), /Acme +\S+ +prd_\w+ +0 of 10/);
});

test("products, applications and the organisation are listed, renamed and ended, and say how long readings are kept", async () => {
  const product = await answer("product", "create", "--name", "Meter", "--attribute", "flow:number:l/s");
  assert.match(await read("product", "list"), /prd_\w+ +Meter +flow:number:l\/s/);
  const rule = ["--product", product.id];
  const kept = await answer("retention", "set", ...rule, "--keep", "30", "--attribute", "flow=7");
  assert.deepEqual([kept.keep, kept.attributes.flow], [30, 7]);
  assert.match(await read("retention", "show", ...rule), /kept of flow +7 days/);
  assert.equal((await answer("retention", "set", "--keep", "365", "--preview")).points, 0);
  await answer("retention", "remove", ...rule);
  assert.equal((await answer("retention", "show", ...rule)).keep, undefined);
  await answer("product", "delete", product.id);
  assert.equal(await refused(undefined, "product", "get", product.id), "product.unknown");

  assert.equal((await answer("application", "rename", application, "--name", "Warmth")).name, "Warmth");
  assert.equal((await answer("application", "sign-up", application, "confirmed")).signUp, "confirmed");
  assert.equal((await answer("org", "rename", "--name", "New works")).name, "New works");
});

test("what a device measured is erased by whoever types its name, its lists are shown, and it gets a socket key", async () => {
  const id = await device("Counter");
  const wrong = await call(["device", "erase", id, "--confirm", "Other"]);
  assert.deepEqual([wrong.exit, /nothing was erased/.test(wrong.err)], [2, true]);
  assert.equal((await answer("device", "erase", id, "--confirm", "Counter")).points, 0);
  assert.deepEqual((await answer("device", "lists", id)).items, []);
  const key = await answer("device", "socket-key", id, "--attribute", "flow");
  assert.match(key.secret, /^hfu_/);
});
