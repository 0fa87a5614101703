import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { globalFlags, parseCommandLine, usage } from "./command-line.ts";
import { Misuse } from "./failure.ts";
import { verbs } from "./verbs.ts";

const device = `dev_${"0".repeat(32)}`;
const application = `app_${"1".repeat(32)}`;

const parse = (line: string) => parseCommandLine(line.split(" ").filter(Boolean), verbs);

function given(line: string): Readonly<Record<string, unknown>> {
  const parsed = parse(line);
  assert.ok(parsed.ask === "verb");
  return parsed.given;
}

const misused = (line: string, sentence: RegExp): void =>
  assert.throws(
    () => parse(line),
    (error) => error instanceof Misuse && sentence.test(error.message),
    line,
  );

test("a verb gets what it declares, wherever the flags stand", () => {
  const expected = {
    application,
    name: "Pump",
    product: undefined,
    alias: undefined,
    gateway: undefined,
    "public-key": undefined,
    "reporting-interval": undefined,
    "new-key": undefined,
    from: [],
    hours: [],
    rate: undefined,
    transport: [],
    origin: [],
    tag: [["site", "a=b"]],
  };
  for (const line of [
    `device create --application ${application} --name Pump --tag site=a=b`,
    `--json device --name=Pump create --tag=site=a=b --application=${application} --url https://localhost`,
  ]) {
    assert.deepEqual(given(line), expected);
  }
});

test("a value may begin with a dash, and words behind -- are never flags", () => {
  assert.equal(given(`telemetry get ${device} --attribute t --from -24h`)["from"], "-24h");
  assert.deepEqual(given(`telemetry send ${device} -- --a=1`)["values"], [["--a", "1"]]);
});

test("an unknown verb or flag is answered with the one that was probably meant", () => {
  misused("devcie list", /no verb "devcie list".*Did you mean device list\?/);
  misused("device lst", /Did you mean device list\?/);
  misused("tokne", /no verb "tokne"/);
  misused("whoam", /Did you mean whoami\?/);
  misused("device list --stat active", /--stat is no flag of holdfast device list\. Did you mean --status\?/);
  misused("device list --token x", /Did you mean --token-file\?/);
  misused("device list --zzzzzz", /no flag of holdfast device list\.$/);
  misused("", /needs a verb/);
  misused("device", /needs one more word: create, list/);
});

test("what is missing, twice there, too much or not readable is named, with the usage below", () => {
  misused(
    "device create --alias pump",
    /--name is missing\.\nUsage: holdfast device create \[--application APPLICATION\] --name NAME/,
  );
  misused(`device get`, /DEVICE is missing/);
  misused(`device get ${device} more`, /"more" is one word too many/);
  misused(`org create --name a --name b`, /--name can be given once only/);
  misused("token create --name x", /--grant is missing/);
  misused("device get 7", /DEVICE: "7" is no identifier/);
  misused(`device get ${application}`, /is no identifier of a kind "device"/);
  misused("device list --state on", /none of active, suspended, retired/);
  misused("device list --limit 0", /no number from 1/);
  misused("token create --name x --grant y --expires soon", /no length of time/);
  misused("token create --name x --grant y --expires 0d", /no length of time/);
});

test("a flag without its value does not swallow the next one", () => {
  misused("device create --name --json", /--name needs a value/);
  misused("org create --name", /--name needs a value/);
  misused("device list --json=yes", /--json takes no value/);
});

test("help and the version are asked for in each usual way", () => {
  for (const line of [
    "help device create",
    "device create --help",
    "device create -h",
    `device --help create --name x`,
  ]) {
    assert.deepEqual({ ...parse(line), globals: 0 }, { ask: "help", about: ["device", "create"], globals: 0 });
  }
  assert.equal(parse("--version").ask, "version");
  assert.deepEqual({ ...parse("--help"), globals: 0 }, { ask: "help", about: [], globals: 0 });
});

test("no words crash the parser", () => {
  const names = verbs.flatMap(({ name, flags }) => [
    ...name.split(" "),
    ...Object.keys(flags).map((flag) => `--${flag}`),
  ]);
  const word = fc.oneof(fc.constantFrom(...names, "--", "-", "--=", "-h", "--__proto__", "__proto__"), fc.string());
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
      try {
        parseCommandLine(argv, verbs);
      } catch (error) {
        assert.ok(error instanceof Misuse, String(error));
      }
    }),
  );
});

test("verbs are told apart, and a flag takes a value in all of them or in none", () => {
  const names = verbs.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  const kinds = new Map<string, boolean>(
    Object.entries(globalFlags).map(([name, { times }]) => [name, times === "switch"]),
  );
  for (const verb of verbs) {
    for (const [name, { times }] of Object.entries(verb.flags)) {
      assert.ok(!(name in globalFlags), `${verb.name} --${name} is a global flag`);
      assert.equal(kinds.get(name) ?? times === "switch", times === "switch", `${verb.name} --${name}`);
      kinds.set(name, times === "switch");
    }
    const open = Object.values(verb.arguments).findIndex(({ times }) => times === "any" || times === "some");
    assert.ok(open < 0 || open === Object.keys(verb.arguments).length - 1, usage(verb));
  }
});
