import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { Proxy } from "../apps/server/src/storage/proxy.fixture.ts";
import { atEnd, freshDatabase } from "../apps/server/src/testing/index.ts";
import { base, databasesOn, eventually, refused, Server, stopped } from "./server.fixture.ts";

test("a first start that is stopped in its midst ends at once, and leaves nothing half-made", async () => {
  const folder = path.join(base, "given-up");
  const server = new Server(["--data", folder]);
  await eventually(() => server.err.includes("Making the database"));
  await stopped(server);
  assert.deepEqual(databasesOn(folder), []);
  const left = readdirSync(path.join(folder, "postgres")).filter((name) => !name.startsWith("program-"));
  assert.deepEqual(left, []);
  assert.equal(existsSync(path.join(folder, "keys", "ready.json")), false);
});

test("a database and a keyring that are away are waited for by name, and not when it is to stop", async (t) => {
  const port = 1; // where nobody listens: a port that was free a moment ago may be somebody's by now
  const url = `postgres://ada:hunter2@127.0.0.1:${port}/things`;
  const waiting: [string, string][] = [
    ["--database-url", "database"],
    ["--keyring-url", "keyring"],
  ];
  for (const [option, what] of waiting) {
    await t.test(what, async () => {
      const server = new Server(["--data", path.join(base, `without-${what}`), option, url]);
      await eventually(() => server.err.includes(`Waiting for the ${what} at 127.0.0.1:${port}/things.`));
      await stopped(server);
    });
  }
  await t.test("nobody waits for ever, and the refusal says where it was waited", async () => {
    const ended = await Promise.all(
      waiting.map(([option, what]) => refused(["--data", path.join(base, `waiting-${what}`), option, url])),
    );
    assert.deepEqual(
      ended.map(({ code }) => code),
      ["storage.unreachable", "keyring.unreachable"],
    );
    for (const { exit, message } of ended) {
      assert.equal(exit, 1);
      assert.match(message, new RegExp(`127\\.0\\.0\\.1:${port}/things`));
      assert.doesNotMatch(message, /hunter2|send it again/);
    }
  });
});

test("a server whose database is away stops as well as any other", async () => {
  const database = await freshDatabase();
  atEnd.after(() => database.drop());
  const file = path.join(database.keysFolder, "ready.json");
  const proxy = await Proxy.to(atEnd, database.login);
  const { login } = proxy;
  const through = `postgres://${login.user}:${login.password}@127.0.0.1:${login.port}/${login.database}`;
  const server = new Server(["--data", database.folder, "--keys", database.keysFolder, "--database-url", through]);
  await server.ready(file);
  proxy.down();
  await proxy.refusal();
  await stopped(server, /"message":"housekeeping: The database does not answer\./); // when a round falls in between
  assert.equal(existsSync(file), false);
});
