import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { banner, type Announcement } from "./banner.ts";
import { defaultData } from "./config.ts";

const secretLink = "https://localhost:8443/#setup=hfl_once";
const first: Announcement = {
  version: "0.1.0",
  url: "https://localhost:8443",
  mqttsUrl: "mqtts://localhost:8883",
  host: "127.0.0.1",
  fingerprint: Array.from({ length: 32 }, (_, at) => (at + 160).toString(16).toUpperCase()).join(":"),
  caFile: "/home/ada/holdfast/.data/ca.pem",
  readyFile: "/home/ada/holdfast/.data/keys/ready.json",
  keysBesideData: "/home/ada/holdfast/.data/keys",
  keysOf: { data: defaultData, keys: path.join(defaultData, "keys"), keyringUrl: undefined },
  keys: "never backed up",
  setupLink: { shown: secretLink },
  folder: "/home/ada/holdfast",
  mayColour: false,
};

test("the first start tells where, whom to trust, what to type, and last the set-up link, in 80 columns", () => {
  const lines = banner(first).split("\n");
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
  const text = lines.join("\n");
  for (const part of [
    "https://localhost:8443   and   mqtts://localhost:8883",
    "Only this machine can connect",
    "A0:A1:A2:A3:A4:A5:A6:A7:A8:A9:AA:AB:AC:AD:AE:AF\n           B0:B1:",
    "npx holdfast setup --ready-file .data/keys/ready.json",
    "npx holdfast keys backup",
    "npx holdfast application create --name Pumps\n           npx holdfast device create --name Pump-1\n",
  ]) {
    assert.ok(text.includes(part), part);
  }
  assert.ok(text.indexOf(secretLink) > text.indexOf("device create"));
});

test("what is done is not asked for again", () => {
  const text = banner({ ...first, setupLink: undefined, keysBesideData: undefined, keys: "backed up" });
  assert.doesNotMatch(text, /holdfast setup|keys backup|Keys|Link/);
  assert.match(
    banner({ ...first, keys: "newer than the backup" }),
    /newer ones than the last copy has:\n +npx holdfast keys backup/,
  );
});

test("the line that copies the keys names every place that is not the usual one, and never a password", () => {
  const line = (keysOf: Partial<Announcement["keysOf"]>): string =>
    banner({ ...first, keysOf: { ...first.keysOf, ...keysOf } })
      .split("\n")
      .find((line) => line.includes("keys backup"))
      ?.trim() ?? "";
  assert.equal(line({}), "npx holdfast keys backup --out keys.backup");
  const data = "/srv/it's data";
  const beside = line({ data, keys: path.join(data, "keys") });
  assert.equal(beside, "npx holdfast keys backup --data '/srv/it'\\''s data' --out keys.backup");
  assert.equal(line({ keys: "/home/ada/holdfast/stick" }), "npx holdfast keys backup --keys stick --out keys.backup");
  assert.equal(
    line({ keyringUrl: "postgres://ada:hunter2@db.example/keys?sslmode=verify-full" }),
    "HOLDFAST_KEYRING_URL='postgres://ada:PASSWORD@db.example/keys?sslmode=verify-full' npx holdfast keys backup --out keys.backup",
  );
});

test("where the link must not be shown, the file is named that has it", () => {
  const text = banner({ ...first, setupLink: "hidden" });
  assert.doesNotMatch(text, /#setup/);
  assert.match(text, /set-up link is in \.data\/keys\/ready\.json/);
});

test("it says who can connect", () => {
  assert.match(banner({ ...first, host: "0.0.0.0" }), /Whoever reaches this machine can connect/);
  assert.match(banner({ ...first, host: "192.0.2.7" }), /Whoever reaches 192\.0\.2\.7 can connect/);
  assert.match(banner({ ...first, host: "::1" }), /Only this machine/);
});

test("with a certificate that systems trust there is no file to name", () => {
  assert.match(banner({ ...first, caFile: undefined }), /What systems trust is enough/);
});

test("a path can be copied into a shell, whatever is in it, and files elsewhere have their whole path", () => {
  const text = banner({ ...first, readyFile: "/srv/it's here/ready.json" });
  assert.ok(text.includes(`setup --ready-file '/srv/it'\\''s here/ready.json' `));
});

test("colours change nothing but colours", () => {
  const coloured = banner({ ...first, mayColour: true });
  assert.notEqual(coloured, banner(first));
  assert.equal(stripVTControlCharacters(coloured), banner(first));
});
