import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, type Id, type Instant } from "@holdfast/kernel";
import { telemetryTopic, type Action, type Listed, type ListName } from "@holdfast/protocol";
import fc from "fast-check";
import { unsaid } from "./circumstances.ts";
import { topicsOfAction } from "./listed-topics.ts";
import { Lists, readValue, type ListEntry } from "./lists.ts";
import { counted, spaceOf } from "./space.fixture.ts";
import type { Visitor } from "./visitor.ts";

const id = <K extends "listEntry" | "device" | "org" | "person" | "token">(kind: K): Id<K> => newId(kind, counted);

const noon = 1_000_000 as Instant;
const at = (milliseconds: number) => (noon + milliseconds) as Instant;
const [pump, valve] = [id("device"), id("device")];
const [ada, vic] = [id("person"), id("person")];

const entry = (list: ListName, what: Listed, value: string, more: Partial<ListEntry> = {}): ListEntry => ({
  id: id("listEntry"),
  list,
  what,
  value: readValue(what, value),
  comment: "",
  author: ada,
  createdAt: noon,
  expiresAt: undefined,
  ...more,
});

const visitor = (address: string | undefined, more: Partial<Visitor> = {}): Visitor => ({
  id: id("token"),
  kind: "apiToken",
  person: undefined,
  device: undefined,
  behind: new Set(),
  chain: [],
  kinds: ["apiToken"],
  circumstances: { ...unsaid, address },
  ...more,
});

const against = (lists: Lists, who: Visitor, when = noon) => lists.ofVisitor(who, when).against;

test("deny wins, and an allow list of one kind asks nothing of the others", () => {
  const lists = new Lists([
    entry("allow", "address", "10.0.0.0/8"),
    entry("deny", "address", "::ffff:10.1.0.0/112", { comment: "the guests" }),
    entry("allow", "device", pump),
  ]);
  assert.equal(against(lists, visitor("10.2.0.1")), undefined);
  assert.match(
    String(against(lists, visitor("10.1.0.1"))),
    /^denied by list entry lst_\w+ of 10\.1\.0\.0\/16: the guests$/,
  );
  assert.match(String(against(lists, visitor("192.0.2.1"))), /^the allow list has 1 entry of addresses/);
  assert.match(
    String(against(lists, visitor("10.2.0.1", { device: valve }))),
    /^the allow list has 1 entry of devices/,
  );
  assert.equal(against(lists, visitor("10.2.0.1", { device: pump, person: ada, behind: new Set([ada]) })), undefined);
});

test("an entry counts until it expires, and an allow list whose last entry has expired asks nothing", () => {
  const lists = new Lists([
    entry("deny", "person", ada, { expiresAt: at(10) }),
    entry("allow", "address", "10.0.0.0/8", { expiresAt: at(20) }),
  ]);
  const hers = visitor("10.0.0.1", { person: ada, behind: new Set([ada]) });
  assert.ok(against(lists, hers, at(9)));
  assert.equal(lists.changesAt(at(9)), at(10));
  assert.equal(against(lists, hers, at(10)), undefined);
  assert.ok(against(lists, visitor("192.0.2.1"), at(19)));
  assert.equal(lists.changesAt(at(10)), at(20));
  assert.equal(against(lists, visitor("192.0.2.1"), at(20)), undefined);
  assert.equal(lists.changesAt(at(20)), Number.POSITIVE_INFINITY);
});

test("what is not known of whoever comes is said, and nobody there is not asked where from", () => {
  const lists = new Lists([entry("allow", "address", "10.0.0.0/8")]);
  assert.deepEqual(lists.ofVisitor(visitor(undefined), noon).open, ["the lists of addresses let it in"]);
  const nobody = lists.ofVisitor(visitor(undefined, { circumstances: undefined }), noon);
  assert.deepEqual([nobody.against, nobody.open], [undefined, []]);
});

test("there are a thousand entries at most", () => {
  const full = new Lists(Array.from({ length: 1_000 }, () => entry("deny", "address", "192.0.2.1")));
  assert.equal(full.entries.size, 1_000);
  assert.throws(() => full.with(entry("deny", "address", "192.0.2.2")), { code: "list.full" });
});

test("who is denied does not come back by what he makes", () => {
  const lists = new Lists([entry("deny", "person", ada)]);
  assert.ok(against(lists, visitor("10.0.0.1", { person: vic, behind: new Set([vic, ada]) })));
});

test("topics and devices are asked of whatever is sent in a device's name", () => {
  const lists = new Lists([entry("deny", "topic", "devices/+/telemetry"), entry("deny", "device", valve)]);
  assert.match(String(lists.ofDevice(pump, "read", ["telemetry"], noon).against), /devices\/\+\/telemetry/);
  assert.match(String(lists.ofDevice(valve, "write", ["telemetry"], noon).against), new RegExp(valve));
  const shut = new Lists([entry("deny", "device", valve)]);
  assert.ok(shut.ofDevice(valve, "write", ["telemetry"], noon).against);
  assert.equal(shut.ofDevice(valve, "read", ["telemetry"], noon).against, undefined);
  assert.ok(lists.deniesFilter(telemetryTopic(pump), noon));
  assert.ok(!lists.deniesFilter("devices/#", noon));
});

test("twins and commands are asked at topics of their own: whatever denies one denies all of it, and whatever allows has to allow all", () => {
  const asked = (lists: Lists, action: Action) =>
    lists.ofDevice(pump, "read", topicsOfAction(action), noon).against === undefined;
  const all = ["telemetry.read", "twin.read", "twin.update", "command.read", "command.send"] as const;
  for (const [list, value, let_in] of [
    ["deny", "devices/+/telemetry", ["twin.read", "twin.update", "command.read", "command.send"]],
    ["deny", `devices/${pump}/twin/desired`, ["telemetry.read", "command.read", "command.send"]],
    ["deny", "devices/+/twin/reported", ["telemetry.read", "twin.update", "command.read", "command.send"]],
    ["deny", "devices/+/+/+", ["telemetry.read"]],
    ["deny", "+/+/replies/#", ["telemetry.read", "twin.read", "twin.update", "command.send"]],
    ["deny", `devices/${valve}/#`, all],
    ["allow", "devices/+/telemetry", ["telemetry.read"]],
    ["allow", `devices/${pump}/twin/desired`, ["twin.update"]],
    ["allow", "devices/+/twin/#", ["twin.read", "twin.update"]],
    ["allow", "devices/+/commands/+", ["command.send"]],
    ["allow", "devices/#", all],
  ] as const) {
    const lists = new Lists([entry(list, "topic", value)]);
    assert.deepEqual(
      all.filter((action) => asked(lists, action)),
      let_in,
      `${list} ${value}`,
    );
  }
  for (const value of ["devices/+/commands/unlock", "devices/+/+/desired", "devices/+/twin/other", "+/+/tasks/one"])
    assert.throws(() => readValue("topic", value), { code: "request.malformed" }, value);
});

test("for any lists, who is denied is out, and who is let in is denied nowhere and allowed wherever anybody is", () => {
  const network = fc
    .tuple(fc.constantFrom("10.0.0.0", "10.1.0.0", "10.1.1.0", "192.0.2.0"), fc.constantFrom(8, 16, 24))
    .map(([address, prefix]) => {
      const parts = address.split(".").map((part, index) => (index < prefix / 8 ? part : "0"));
      return `${parts.join(".")}/${prefix}`;
    });
  const entries = fc.array(fc.tuple(fc.constantFrom<ListName>("allow", "deny"), network), { maxLength: 6 });
  const address = fc.constantFrom("10.0.0.9", "10.1.1.9", "10.9.9.9", "192.0.2.9", "::ffff:10.1.1.9", "2001:db8::1");
  const isIn = (cidr: string, text: string) => {
    const [network = "", prefix = ""] = cidr.split("/");
    const plain = text.replace("::ffff:", "");
    const levels = Number(prefix) / 8;
    return plain.split(".").slice(0, levels).join(".") === network.split(".").slice(0, levels).join(".");
  };
  fc.assert(
    fc.property(entries, address, (listed, from) => {
      const lists = new Lists(listed.map(([list, value]) => entry(list, "address", value)));
      const is = (list: ListName) => listed.filter((one) => one[0] === list);
      const isDenied = is("deny").some(([, value]) => isIn(value, from));
      const isAllowed = is("allow").length === 0 || is("allow").some(([, value]) => isIn(value, from));
      assert.equal(against(lists, visitor(from)) === undefined, isAllowed && !isDenied);
    }),
    { numRuns: 1_000 },
  );
});

test("an entry that is over before anybody has looked is seen to have ended", () => {
  const space = spaceOf(id("org"));
  space.turn(noon);
  space.putEntry(entry("allow", "device", pump, { expiresAt: at(1_000) }));
  const { epoch } = space.cell; // of whoever asked while it held
  space.turn(at(2_000));
  assert.notEqual(space.cell.epoch, epoch);
  const { epoch: later } = space.cell;
  space.turn(at(3_000));
  assert.equal(space.cell.epoch, later);
});
