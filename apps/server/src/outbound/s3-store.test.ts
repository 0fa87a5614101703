import assert from "node:assert/strict";
import { test } from "node:test";
import { systemTimers } from "@holdfast/kernel";
import { Calls } from "./calls.ts";
import { S3Store, type S3Place } from "./s3-store.ts";
import { startS3 } from "./s3-server.fixture.ts";

const host = "store.test";
const [keyId, secret] = ["AKHOLDFAST", "a secret that is in no line and no error"];

test("an object store is asked in signed calls, through the guard that all calls go through", async (t) => {
  const server = await startS3({ host, bucket: "cold", keyId, secret });
  t.after(() => server.close());
  const callsTo = (isAllowed: (address: string) => boolean) =>
    new Calls({
      names: { addresses: async () => ["127.0.0.1"] },
      isAllowed,
      ca: server.cert,
      timers: systemTimers,
      mostBytes: 16 * 1024 * 1024,
    });
  const calls = callsTo((address) => address === "127.0.0.1");
  const place: S3Place = {
    endpoint: `https://${host}:${server.port}/cold`,
    prefix: "holdfast/",
    region: "auto",
    keyId,
    secret,
  };
  const store = new S3Store(place, calls.fetch);
  const bytes = Uint8Array.from({ length: 600_000 }, (_, at) => at % 251);
  await store.write("one/a b+1", bytes);
  assert.deepEqual(await store.read("one/a b+1", 0, bytes.length), bytes);
  assert.deepEqual(await store.read("one/a b+1", 500, 3), bytes.slice(500, 503));
  assert.equal(await store.read("one/a b+1", bytes.length - 2, 3), undefined);
  assert.equal(await store.read("one/none", 0, 3), undefined);
  for (const name of ["one/2", "one/3", "two/1"]) await store.write(name, bytes.subarray(0, 5));
  assert.deepEqual(await Array.fromAsync(store.names("one/")), ["one/2", "one/3", "one/a b+1"]);
  assert.deepEqual([...server.objects.keys()].sort().at(0), "holdfast/one/2");
  await store.remove("one/2");
  await store.remove("one/2");
  assert.equal(server.objects.has("holdfast/one/2"), false);
  assert.deepEqual(server.refused, []);

  const wrong = new S3Store({ ...place, secret: "another" }, calls.fetch);
  await assert.rejects(wrong.read("one/3", 0, 5), (error: Error) => {
    assert.match(error.message, /^the object store answered with 403 \(SignatureDoesNotMatch\)$/);
    return !`${error.message}${String(error.stack)}`.includes(secret);
  });
  assert.equal(server.refused.length, 1);
  const guarded = new S3Store(place, callsTo(() => false).fetch);
  const before = server.asked();
  await assert.rejects(guarded.read("one/3", 0, 5), /inside the house/);
  assert.equal(server.asked(), before);
});
