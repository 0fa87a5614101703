import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Mounts, outward } from "./mounts.ts";
import { TopicTree } from "./topic-tree.ts";
import { levelsOf, matches, parseFilter } from "./topics.ts";

const level = fc.constantFrom("a", "b", "", "$x", "ab");
const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join("/"));
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant("+")), { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([levels, rest]) => (rest ? [...levels, "#"] : levels).join("/"));

test("[MQTT-4.7.1-1] 3.1.1 [MQTT-4.7.1-2] # stands alone or behind a slash, and last", () => {
  for (const good of ["#", "a/#", "/#", "+/#"]) assert.equal(parseFilter(good)?.filter, good);
  for (const bad of ["a#", "#/a", "a/#/b", "a/b#", "##"]) assert.equal(parseFilter(bad), undefined, bad);
});

test("[MQTT-4.7.1-2] 3.1.1 [MQTT-4.7.1-3] + takes a whole level", () => {
  for (const good of ["+", "+/a", "a/+/b", "+/+"]) assert.equal(parseFilter(good)?.filter, good);
  for (const bad of ["a+", "+a", "a/b+/c", "++"]) assert.equal(parseFilter(bad), undefined, bad);
});

test("[MQTT-4.7.3-1] [MQTT-4.7.3-2] 3.1.1 [MQTT-4.7.3-1] [MQTT-4.7.3-2] a filter has a character at least, and no U+0000", () => {
  assert.equal(parseFilter(""), undefined);
  assert.equal(parseFilter("a\0b"), undefined);
  assert.equal(parseFilter(" ")?.filter, " ");
});

test("[MQTT-4.8.2-1] [MQTT-4.8.2-2] the name of a shared subscription is not empty and has no wildcard, and a filter follows", () => {
  assert.deepEqual(parseFilter("$share/crew/a/+"), { written: "$share/crew/a/+", filter: "a/+", share: "crew" });
  assert.equal(parseFilter("$share/crew//")?.filter, "/");
  for (const bad of ["$share/crew", "$share//a", "$share/c+w/a", "$share/#/a", "$share/crew/", "$share/crew/a#"]) {
    assert.equal(parseFilter(bad), undefined, bad);
  }
});

test("[MQTT-4.7.2-1] 3.1.1 [MQTT-4.7.2-1] a wildcard at the first level does not match a topic that begins with $", () => {
  const tree = new TopicTree<string>();
  for (const wild of ["#", "+/monitor", "$SYS/#", "$SYS/+"]) tree.add(wild, wild);
  assert.deepEqual(tree.match("$SYS/monitor").sort(), ["$SYS/#", "$SYS/+"]);
  assert.deepEqual(tree.match("SYS/monitor").sort(), ["#", "+/monitor"]);
});

test("[MQTT-4.7.3-4] 3.1.1 [MQTT-4.7.3-4] levels are compared as they are: case, blanks and empty levels count", () => {
  const tree = new TopicTree<string>();
  for (const one of ["ACCOUNTS", "Accounts", "/finance", "+/+", "/+", "+", "sport/#"]) tree.add(one, one);
  assert.deepEqual(tree.match("Accounts").sort(), ["+", "Accounts"]);
  assert.deepEqual(tree.match("/finance").sort(), ["+/+", "/+", "/finance"]);
  assert.deepEqual(tree.match("sport"), ["sport/#", "+"]);
  assert.deepEqual(tree.match("sport/").sort(), ["+/+", "sport/#"]);
});

test("the tree matches what each filter matches by itself", () => {
  fc.assert(
    fc.property(fc.uniqueArray(filter, { maxLength: 20, size: "max" }), topic, (filters, name) => {
      const tree = new TopicTree<string>();
      for (const one of filters) tree.add(one, one);
      assert.deepEqual(tree.match(name).sort(), filters.filter((one) => matches(one, name)).sort());
    }),
  );
});

test("what is removed from the tree is gone, and nothing else", () => {
  fc.assert(
    fc.property(fc.uniqueArray(filter, { minLength: 1, maxLength: 20, size: "max" }), topic, (filters, name) => {
      const tree = new TopicTree<string>();
      for (const one of filters) tree.add(one, one);
      const [gone = "", ...rest] = filters;
      tree.remove(gone, gone);
      assert.deepEqual(tree.match(name).sort(), rest.filter((one) => matches(one, name)).sort());
      assert.deepEqual(tree.at(gone), []);
    }),
  );
});

test("whatever is added and removed in whatever order, the tree matches by what is left", () => {
  const change = fc.record({ name: filter, isAdded: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40, size: "max" }), topic, (changes, name) => {
      const tree = new TopicTree<string>();
      const there = new Set<string>();
      for (const { name: one, isAdded } of changes) {
        if (isAdded === there.has(one)) continue;
        if (isAdded) tree.add(one, one);
        else tree.remove(one, one);
        if (isAdded) there.add(one);
        else there.delete(one);
      }
      assert.deepEqual(tree.match(name).sort(), [...there].filter((one) => matches(one, name)).sort());
      for (const { name: one } of changes) assert.deepEqual(tree.at(one), there.has(one) ? [one] : []);
    }),
  );
});

test("a search finds of many topics those that the filter matches, also when others come and go meanwhile", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(topic, { maxLength: 30, size: "max" }),
      filter,
      fc.array(topic),
      (topics, wanted, others) => {
        const tree = new TopicTree<string>();
        for (const one of topics) tree.add(one, one);
        const found: string[] = [];
        const coming = others.filter((one) => !topics.includes(one));
        for (const one of tree.search(wanted)) {
          if (one !== undefined) found.push(one);
          const next = coming.shift();
          if (next === undefined) continue;
          tree.add(next, next);
          if (next.length % 2 === 0) tree.remove(next, next);
        }
        const expected = topics.filter((one) => matches(wanted, one));
        assert.deepEqual(found.filter((one) => topics.includes(one)).sort(), expected.sort());
        assert.deepEqual(
          found.filter((one) => !matches(wanted, one)),
          [],
        );
      },
    ),
  );
});

test("levels are counted", () => {
  assert.deepEqual(["a", "a/b", "/", "a//b", "/a/"].map(levelsOf), [1, 2, 2, 3, 3]);
});

const device = new Mounts({
  mounts: [
    { prefix: "me/", target: "devices/7/" },
    { prefix: "v1/devices/me/rpc/", target: "devices/7/commands/" },
  ],
  synonyms: [{ topic: "v1/devices/me/telemetry", target: "devices/7/telemetry" }],
  mountsOnly: true,
});

test("a mount maps topics and filters into the space and back", () => {
  fc.assert(
    fc.property(filter, (rest) => {
      const mapped = device.inward(`me/${rest}`);
      assert.equal(mapped?.topic, `devices/7/${rest}`);
      assert.equal(outward(`devices/7/${rest}`, mapped?.via), `me/${rest}`);
    }),
  );
});

test("a synonym maps one exact topic", () => {
  const mapped = device.inward("v1/devices/me/telemetry");
  assert.equal(mapped?.topic, "devices/7/telemetry");
  assert.equal(outward("devices/7/telemetry", mapped?.via), "v1/devices/me/telemetry");
  assert.equal(device.inward("v1/devices/me/telemetry/x"), undefined);
});

test("names that are in no list are asked for, and shown as they were written", () => {
  const further = (written: string) =>
    written === "v2/t"
      ? { topic: "v2/t", target: "devices/7/telemetry" }
      : written.startsWith("v2/")
        ? { prefix: "v2/", target: "other/7/" }
        : undefined;
  const few = new Mounts({ mounts: [{ prefix: "me/", target: "devices/7/" }], mountsOnly: true, further });
  for (const [written, topic] of [
    ["me/x", "devices/7/x"],
    ["v2/t", "devices/7/telemetry"],
    ["v2/a/+", "other/7/a/+"],
  ] as const) {
    const mapped = few.inward(written);
    assert.equal(mapped?.topic, topic);
    assert.equal(outward(topic, mapped?.via), written);
  }
  assert.equal(few.inward("v3/x"), undefined);
});

test("whoever may use mounts only cannot name anything outside them", () => {
  for (const outside of ["#", "+/x", "+/#", "me", "devices/7/x", "devices/8/x", "/me/x", "Me/x", "mee/x", ""]) {
    assert.equal(device.inward(outside), undefined, outside);
  }
});

test("me/# matches the parent of the mount too, and shows it by its own name", () => {
  assert.equal(outward("devices/7", device.mounts[0]), "me");
});

test("a mount that could escape by a wildcard is refused when it is made", () => {
  assert.throws(() => new Mounts({ mounts: [{ prefix: "me/", target: "devices/+/" }] }), TypeError);
  assert.throws(() => new Mounts({ mounts: [{ prefix: "me", target: "devices/7" }] }), TypeError);
});
