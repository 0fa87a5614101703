import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { LinkFile } from "./link-file.ts";
import { carrierOf } from "./mail.ts";

const base = mkdtempSync(path.join(tmpdir(), "holdfast-links-"));
after(() => rmSync(base, { recursive: true, force: true }));
let places = 0;
const place = () => {
  const folder = path.join(base, String((places += 1)));
  mkdirSync(folder);
  return folder;
};
const day = 24 * 3_600_000;
const start = Date.UTC(2026, 0, 1);
const letter = (to: string, at = start) => ({
  id: "1",
  at: new Date(at),
  to,
  subject: "Reset your password",
  lines: [],
  text: "",
  link: `https://localhost/#reset=${to}`,
});
const entriesOf = (file: LinkFile): { at: string; to: string; subject: string; link: string }[] =>
  readFileSync(file.path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

test("the links lie beside the ready file, for its owner alone, a line each that says when and for whom", async () => {
  const folder = place();
  const file = new LinkFile({ readyFile: path.join(folder, "works.json"), keys: "/nowhere" });
  assert.equal(file.path, path.join(folder, "works.mail.jsonl"));
  await file.take(letter("anna@example.com"));
  chmodSync(file.path, 0o644); // whatever somebody did to it
  await file.take(letter("bob@example.com"));
  assert.equal(statSync(file.path).mode & 0o777, 0o600);
  assert.deepEqual(entriesOf(file), [
    {
      at: "2026-01-01T00:00:00.000Z",
      to: "anna@example.com",
      subject: "Reset your password",
      link: "https://localhost/#reset=anna@example.com",
    },
    {
      at: "2026-01-01T00:00:00.000Z",
      to: "bob@example.com",
      subject: "Reset your password",
      link: "https://localhost/#reset=bob@example.com",
    },
  ]);
});

test("a letter without a link is no matter of the file", async () => {
  const folder = place();
  const file = new LinkFile({ readyFile: path.join(folder, "ready.json"), keys: folder });
  await file.take({ ...letter("anna@example.com"), link: undefined });
  assert.throws(() => statSync(file.path), { code: "ENOENT" });
});

test("the file holds two hundred links of a week at most, and the oldest go first", async () => {
  const folder = place();
  const file = new LinkFile({ readyFile: path.join(folder, "ready.json"), keys: folder });
  for (let at = 0; at < 203; at += 1) await file.take(letter(`${at}@example.com`));
  assert.deepEqual(
    [entriesOf(file).length, entriesOf(file)[0]?.to, entriesOf(file).at(-1)?.to],
    [200, "3@example.com", "202@example.com"],
  );
  await file.take(letter("late@example.com", start + 7 * day));
  assert.deepEqual(
    entriesOf(file).map(({ to }) => to),
    ["late@example.com"],
  );
});

test("what is not ours in the file goes, and a link in its place is replaced and not followed", async () => {
  const folder = place();
  const elsewhere = path.join(folder, "elsewhere");
  writeFileSync(elsewhere, "precious\n");
  const file = new LinkFile({ readyFile: path.join(folder, "ready.json"), keys: folder });
  symlinkSync(elsewhere, file.path);
  await file.take(letter("anna@example.com"));
  assert.equal(readFileSync(elsewhere, "utf8"), "precious\n");
  assert.deepEqual(
    entriesOf(file).map(({ to }) => to),
    ["anna@example.com"],
  );
});

test("where the ready file's folder is not to be written to, the links lie with the keys", async () => {
  const keys = place();
  const file = new LinkFile({ readyFile: path.join(base, "missing", "ready.json"), keys });
  assert.equal(file.path, path.join(keys, "ready.mail.jsonl"));
  await file.take(letter("anna@example.com"));
  const none = new LinkFile({ readyFile: path.join(base, "missing", "ready.json"), keys: path.join(base, "gone") });
  await assert.rejects(none.take(letter("anna@example.com")), { name: "NotTaken", which: "none", why: "ENOENT" });
});

test("the password of the mail server is in a file that others cannot read, or there is no start", () => {
  const folder = place();
  const passwordFile = path.join(folder, "password");
  writeFileSync(passwordFile, "s3cret\n");
  const server = { host: "localhost", port: 25, tls: "none", user: "works", password: undefined } as const;
  const from = { name: "", address: "a@example.com" };
  const start = () =>
    carrierOf({ keys: folder, readyFile: undefined, mail: { server, from, passwordFile, caFile: undefined } });
  chmodSync(passwordFile, 0o640);
  assert.throws(start, { code: "config.malformed", message: /chmod 600/ });
  chmodSync(passwordFile, 0o600);
  assert.equal(start().by, "mail");
  rmSync(passwordFile);
  assert.throws(start, { code: "folder.closed", message: /--smtp-password-file/ });
});
