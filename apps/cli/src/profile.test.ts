import assert from "node:assert/strict";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { readProfile, removeProfile, writeProfile } from "./profile.ts";
import { folderFor } from "./testing/world.ts";

const profile = {
  url: "https://localhost:8443",
  keyring: undefined,
  token: "hf_1",
  // RFC 8037, appendix A.1.
  key: {
    kty: "OKP" as const,
    crv: "Ed25519" as const,
    x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  },
  ca: undefined,
  caFile: "/home/ada/ca.pem",
  mqttsUrl: "mqtts://localhost:8883",
  org: undefined,
  expiresAt: undefined,
};

test("a profile is read as it was written, by its owner only, also over one that was open to all", (t) => {
  const file = path.join(folderFor(t), "config", "holdfast", "profile.json");
  assert.equal(readProfile(file), undefined);
  writeProfile(file, profile);
  assert.deepEqual(readProfile(file), profile);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700);

  removeProfile(file);
  writeFileSync(file, "{}", { mode: 0o644 });
  writeFileSync(`${file}.${process.pid}`, "left by a crash", { mode: 0o666 });
  writeProfile(file, { ...profile, token: "hf_2" });
  assert.equal(readProfile(file)?.token, "hf_2");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(path.dirname(file)), ["profile.json"]);
});

test("a profile that is damaged or in the way is said so, without what it holds", (t) => {
  const file = path.join(folderFor(t), "profile.json");
  for (const text of [
    "hf_secret",
    "[]",
    "null",
    '{"url":"nowhere","token":"hf_secret"}',
    '{"token":"hf_secret"}',
    '{"url":"https://localhost","token":"hf_secret","keyring":"both"}',
  ]) {
    writeFileSync(file, text);
    assert.throws(
      () => readProfile(file),
      (error) => error instanceof Error && !error.message.includes("hf_secret"),
    );
  }
  const folder = path.join(folderFor(t), "profile.json");
  mkdirSync(folder);
  assert.throws(() => readProfile(folder), { name: "Hindrance", message: /EISDIR/ });
  assert.throws(() => writeProfile(folder, profile), { name: "Hindrance" });
});
