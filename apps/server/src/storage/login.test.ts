import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDatabaseUrl, placeOf, withoutPassword } from "./login.ts";

const bad = { code: "config.malformed" };

test("a database URL says where, as whom, and how it is protected", () => {
  const here = parseDatabaseUrl("postgres://ada:p%40ss@localhost/holdfast");
  assert.deepEqual(here, {
    host: "localhost",
    port: 5432,
    user: "ada",
    password: "p@ss",
    database: "holdfast",
    tls: undefined,
  });
  assert.deepEqual(parseDatabaseUrl("postgresql://ada@db.example:6543/x").tls, { rejectUnauthorized: true });
  assert.equal(parseDatabaseUrl("postgresql://ada@db.example:6543/x").port, 6543);
  assert.equal(parseDatabaseUrl("postgres://ada@db.example/x?sslmode=disable").tls, undefined);
  assert.deepEqual(parseDatabaseUrl("postgres://ada@db.example/x?sslmode=no-verify").tls, {
    rejectUnauthorized: false,
  });
  assert.equal(parseDatabaseUrl("postgres://ada@[::1]:5433/x").host, "::1");
  const socket = parseDatabaseUrl("postgres://ada:s@/holdfast?host=%2Frun%2Fpostgresql");
  assert.equal(socket.host, "/run/postgresql");
  assert.equal(socket.password, "s");
  assert.equal(placeOf(socket), "/run/postgresql:5432/holdfast");
});

test("a database URL is shown without its password, wherever that stands", () => {
  const shown = {
    "postgres://ada:hunter2@db.example:6543/x?sslmode=no-verify":
      "postgres://ada:PASSWORD@db.example:6543/x?sslmode=no-verify",
    "postgres://ada@/x?host=%2Frun&password=hunter2": "postgres://ada@/x?host=%2Frun&password=PASSWORD",
    "postgres://ada@localhost/x": "postgres://ada@localhost/x",
  };
  for (const [text, expected] of Object.entries(shown)) assert.equal(withoutPassword(text), expected);
});

test("a database URL that cannot be used is refused without being repeated", () => {
  const texts = [
    "",
    "holdfast",
    "mysql://ada:hunter2@h/d",
    "postgres://ada:hunter2@/d",
    "postgres://h/d",
    "postgres://ada:hunter2@h",
    "postgres://ada:hunter2@h/d/e",
    "postgres://ada:hunter2@h:99999/d",
    "postgres://ada:hunter2@h/d?sslmode=prefer",
    "postgres://ada:hunter2@h/d?sslrootcert=/not/there",
    "postgres://ada:hunter2%@h/d",
  ];
  for (const text of texts) {
    assert.throws(() => parseDatabaseUrl(text), bad, text);
    assert.throws(
      () => parseDatabaseUrl(text),
      (error: Error) => !error.message.includes("hunter2"),
    );
  }
});
