import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  existsSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { openJournal } from "@holdfast/device/node";
import { Commands, Emitter, reported, Spool, telemetry, type Limits } from "@holdfast/device/testing";
import { systemTimers } from "@holdfast/kernel";

const folder = mkdtempSync(path.join(tmpdir(), "spool-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const freshFile = () => path.join(folder, `${(files += 1)}`);
const roomy: Limits = { entries: 1_000, bytes: 1_000_000, share: 1, whenFull: "refuse" };
const none = () => false;
const told = { dropped() {}, fault: (error: unknown) => assert.fail(String(error)) };
const spoolIn = (file: string) => new Spool(openJournal({ file, secret: "secret" }), roomy, told);
const lanes = ["reply", "task", "twin", "telemetry"] as const;
const entriesOf = (spool: Spool, lane: (typeof lanes)[number]) =>
  [...spool.queues(lane).values()].flatMap((queue) => [...queue.values()]);
const payloads = (spool: Spool) => entriesOf(spool, "telemetry").map(({ payload }) => payload);

/** What a spool should know, by arrays and maps. */
type Known = { entries: string[]; commands: [string, string | undefined][] };
const known = (spool: Spool): Known => ({
  entries: lanes.flatMap((lane) => entriesOf(spool, lane).map(({ topic, payload }) => `${topic} ${payload}`)),
  commands: [...spool.ledger.all()].map(([id, { reply }]) => [id, reply]),
});

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("keep" as const),
      text: fc.string(),
      topic: fc.constantFrom(telemetry, reported, "children/a/telemetry", "children/b/telemetry", "groups/g/tasks/put"),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("gone" as const), which: fc.nat(20) }) },
  fc.record({ do: fc.constantFrom("begin" as const, "finish" as const, "forget" as const), id: fc.nat(3) }),
  fc.record({ do: fc.constantFrom("tidy" as const, "reopen" as const) }),
);

test("whatever was done, a file that is cut anywhere holds what was true after some number of the steps, and all of it where it is whole", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.nat(), async (steps, cut) => {
      const file = freshFile();
      let spool = spoolIn(file);
      // What was true at each size of the file since it was last written anew.
      let truths: { size: number; known: Known }[] = [];
      const note = () => truths.push({ size: readFileSync(file).length, known: known(spool) });
      note();
      for (const one of steps) {
        const before = readFileSync(file).length;
        if (one.do === "keep") await spool.keep(one.topic, one.text, none);
        if (one.do === "gone") {
          const all = [...entriesOf(spool, "telemetry"), ...entriesOf(spool, "reply")];
          const entry = all[one.which % Math.max(all.length, 1)];
          if (entry) spool.remove(entry);
        }
        if (one.do === "begin") spool.begin(`cmd_${one.id}`, 1_000, one.id % 2 ? "me/" : "children/a/");
        if (one.do === "finish") spool.finish(`cmd_${one.id}`, `{"result":${one.id}}`);
        if (one.do === "forget") spool.forget(`cmd_${one.id}`);
        if (one.do === "tidy") spool.tidy();
        if (one.do === "reopen") {
          const was = known(spool);
          await spool.close();
          spool = spoolIn(file);
          assert.deepEqual(known(spool), was);
        }
        if (one.do === "tidy" || readFileSync(file).length < before) truths = [];
        note();
      }
      await spool.close();
      const least = truths[0]?.size ?? assert.fail();
      const size = least + (cut % (readFileSync(file).length - least + 1));
      truncateSync(file, size);
      const truth = truths.findLast((one) => one.size <= size) ?? assert.fail();
      const again = spoolIn(file);
      assert.deepEqual(known(again), truth.known);
      assert.ok(!existsSync(`${file}.damaged`));
      await again.close();
      rmSync(file);
    }),
    { numRuns: 60 },
  );
});

test("the file shows nothing of what is in it, opens with its secret alone, and moves to a new one", async () => {
  const file = freshFile();
  const spool = spoolIn(file);
  await spool.keep(telemetry, "a temperature of great secrecy", none);
  await spool.close();
  const bytes = readFileSync(file);
  assert.ok(!bytes.includes("secrecy") && !bytes.includes("telemetry"));
  assert.throws(() => openJournal({ file, secret: "another" }), { code: "spool.unreadable" });
  assert.deepEqual(readFileSync(file), bytes, "it was left as it is");
  await openJournal({ file, secret: ["next", "secret"] }).close();
  assert.throws(() => openJournal({ file, secret: "secret" }), { code: "spool.unreadable" });
  const moved = openJournal({ file, secret: "next" });
  assert.equal(moved.read().length, 1);
  await moved.close();
  writeFileSync(file, "anything else");
  assert.throws(() => openJournal({ file, secret: "next" }), { code: "spool.unreadable" });
});

test("damage in the middle costs that record alone, and a copy of the file stays; records cannot change places", async () => {
  const file = freshFile();
  const spool = spoolIn(file);
  const start = readFileSync(file).length;
  for (const text of ["one", "two", "six"]) await spool.keep(telemetry, text, none);
  await spool.close();
  const bytes = readFileSync(file);
  const each = (bytes.length - start) / 3;
  const damaged = Buffer.from(bytes);
  damaged[start + each + 20]! ^= 1; // it is that long
  writeFileSync(file, damaged);
  const left = spoolIn(file);
  assert.deepEqual(payloads(left), ["one", "six"]);
  assert.deepEqual(readFileSync(`${file}.damaged`), damaged);
  await left.close();
  const [first, second, third] = [0, 1, 2].map((at) => bytes.subarray(start + at * each, start + (at + 1) * each));
  assert.ok(first && second && third);
  writeFileSync(file, Buffer.concat([bytes.subarray(0, start), second, first, third]));
  assert.deepEqual(payloads(spoolIn(file)), ["six"]);
});

test("a command that ends behind the close writes nothing, neither into the closed file nor into the one that has its descriptor by then", async () => {
  const file = freshFile();
  const spool = spoolIn(file);
  const emitter = new Emitter();
  const faults: unknown[] = [];
  emitter.on("fault", (error) => faults.push(error));
  const commands = new Commands({ spool, emitter, timers: systemTimers, owed: () => {} });
  const { promise, resolve } = Promise.withResolvers<number>();
  const begun = Promise.withResolvers<void>();
  commands.handle("me/commands/restart", () => {
    begun.resolve();
    return promise;
  });
  for (let n = 0; n < 20; n += 1) await spool.keep(telemetry, `old ${n}`, none);
  commands.take("me/commands/restart", JSON.stringify({ id: "1", name: "restart", expiresIn: 60_000, again: false }));
  await begun.promise;
  commands.end();
  await spool.close();
  assert.throws(() => spool.finish("1", "{}"), { code: "device.closed" });
  await assert.rejects(spool.keep(telemetry, "late", none), { code: "device.closed" });
  const next = spoolIn(file);
  for (let n = 0; n < 30; n += 1) await next.keep(telemetry, `new ${n}`, none);
  resolve(1);
  await new Promise((over) => setTimeout(over, 50));
  await next.keep(telemetry, "last", none);
  await next.close();
  const after = spoolIn(file);
  assert.equal(payloads(after).length, 51);
  await after.close();
  assert.equal(existsSync(`${file}.damaged`), false);
  assert.deepEqual(faults, []);
});

test("its file stays small however much went through it", async () => {
  const file = freshFile();
  const spool = spoolIn(file);
  for (let n = 0; n < 2_000; n += 1) spool.remove(await spool.keep(telemetry, "x".repeat(200), none));
  assert.ok(readFileSync(file).length < 70 * 1024);
  assert.equal(spool.bytes, 0);
  await spool.close();
});

test("a new file that cannot take the place of the old one does not stay beside it, nor one that a kill left", async () => {
  const file = freshFile();
  const journal = openJournal({ file, secret: "secret" });
  rmSync(file);
  mkdirSync(path.join(file, "in the way"), { recursive: true });
  assert.throws(() => journal.rewrite(["1", "2"]));
  assert.equal(existsSync(`${file}.new`), false);
  await journal.close();
  const other = freshFile();
  writeFileSync(`${other}.new`, "half of it");
  await openJournal({ file: other, secret: "secret" }).close();
  await openJournal({ file: other, secret: "secret" }).close();
  assert.equal(existsSync(`${other}.new`), false);
});

test("a second program is refused the file, also at the same moment; one that was killed locks nobody out", async () => {
  const file = freshFile();
  const isLocked = () => readdirSync(folder).includes(`${path.basename(file)}.lock`);
  const held = openJournal({ file, secret: "secret" });
  assert.throws(() => openJournal({ file, secret: "secret" }), { code: "spool.inUse" });
  const module = pathToFileURL(path.join(import.meta.dirname, "../packages/device/src/node/index.ts")).href;
  const program = `
    const { openJournal } = await import(${JSON.stringify(module)});
    try { openJournal({ file: process.argv[1], secret: "secret" }); console.log("held"); setInterval(() => {}, 1000); }
    catch (error) { console.log(error.code ?? error); }`;
  const begin = () => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program, file], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const said = once(child.stdout, "data").then(([text]) => String(text).trim());
    return { child, said };
  };
  assert.equal(await begin().said, "spool.inUse");
  await held.close();
  // Dead, and its number is that of a process which lives.
  writeFileSync(`${file}.lock`, JSON.stringify({ pid: process.pid, started: "1" }));
  const several = [begin(), begin(), begin()];
  const said = await Promise.all(several.map((one) => one.said));
  assert.deepEqual(said.toSorted(), ["held", "spool.inUse", "spool.inUse"]);
  const holder = several[said.indexOf("held")]?.child ?? assert.fail();
  holder.kill("SIGKILL");
  await once(holder, "close");
  assert.ok(isLocked());
  await openJournal({ file, secret: "secret" }).close();
  assert.ok(!isLocked());
});
