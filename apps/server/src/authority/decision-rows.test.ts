import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Allowed } from "../storage/index.ts";
import { asOwner, atEnd, freshStorage } from "../testing/index.ts";
import { unsaid } from "./circumstances.ts";
import { decisionsIn, type Behind, type KeptCell } from "./decision-rows.ts";
import { cameFrom, Decisions, granted, type Question } from "./decisions.ts";

const fresh = await freshStorage();
atEnd.after(() => fresh.close());
const { storage, database } = fresh;
const anOrg = async (): Promise<Allowed> => {
  const scope = await storage.makeOrg(newId("org", systemRandom));
  const allowed: Allowed = { scope, actor: { kind: "platform" } };
  const insert = "insert into organisation (org, created_at, version, body) values ($1, 1, 1, '')";
  await storage.note(allowed, (unit) => unit.query(insert, [uuidOf(scope.org)]));
  return allowed;
};
const day = Date.parse("2026-06-03T00:00:00Z") as Instant;
const at = (hours: number) => (day + hours * 3_600_000) as Instant; // milliseconds both
const [pump, valve] = [newId("device", systemRandom), newId("device", systemRandom)];

const question = (device: Id<"device"> | undefined): Question => ({
  credential: newId("key", systemRandom),
  action: "telemetry.write",
  about: device,
  device,
  came: cameFrom({ ...unsaid, address: "192.0.2.77", transport: "mqtts", origin: "none" }),
});
const save = async (allowed: Allowed, run: number, decisions: Decisions) => {
  for (const page of decisions.pages(2)) {
    await storage.tally(allowed, (unit) => decisionsIn(unit).save(run, page));
    decisions.kept(page);
  }
};
const read = async (allowed: Allowed, devices?: readonly Id<"device">[]) => {
  const cells: KeptCell[] = [];
  const known = new Map();
  for (let behind: Behind | undefined; ;) {
    const page = await storage.read(allowed, (unit) =>
      decisionsIn(unit).page({ day, devices, limit: 2 }, behind, known),
    );
    cells.push(...page.cells);
    behind = page.behind;
    if (!behind) return cells;
  }
};
const timesOf = (cells: readonly KeptCell[], device: Id<"device">) =>
  cells.filter(({ question: asked }) => asked?.device === device).map(({ hours }) => hours.reduce((a, b) => a + b, 0));

test("decisions are written as they stand, however often, each start of a server beside those before it, and read page by page", async () => {
  const org = await anOrg();
  const [first, second] = [new Decisions(3), new Decisions()];
  const [ofPump, ofValve] = [question(pump), question(valve)];
  first.count(ofPump, granted, at(1));
  await save(org, 1, first);
  first.count(ofPump, granted, at(1));
  first.count(ofPump, granted, at(23));
  const pages = first.pages(10);
  for (const page of [...pages, ...pages]) await storage.tally(org, (unit) => decisionsIn(unit).save(1, page));
  for (const asked of [ofValve, question(undefined), question(undefined)]) first.count(asked, granted, at(2));
  await save(org, 1, first);
  second.count(ofPump, granted, at(5));
  second.count(ofPump, { allowed: false, clause: "grant" }, at(5));
  await save(org, 2, second);
  const cells = await read(org);
  assert.deepEqual(
    timesOf(cells, pump).toSorted((a, b) => a - b),
    [1, 1, 3],
  );
  assert.equal(cells.length, 6);
  assert.equal(cells.filter(({ question: asked }) => !asked).length, 1, "what there was no room for");
  const [one] = cells.filter((cell) => cell.question?.device === valve);
  assert.deepEqual(one?.question && JSON.parse(JSON.stringify(one.question)), JSON.parse(JSON.stringify(ofValve)));
  assert.deepEqual(timesOf(await read(org, [valve]), valve), [1]);
  assert.deepEqual(timesOf(await read(org, [valve]), pump), []);
  assert.deepEqual(await read(await anOrg()), []);
});

test("what was decided opens in its own row and day alone, and a row that does not open says so beside those that do", async () => {
  const changes = [
    `day = day - 86400000`,
    `device = gen_random_uuid()`,
    `device = null`,
    `cell = sha256('mine')`,
    `body = (select body from holdfast.decision d where d.org = decision.org and d.cell <> decision.cell)`,
  ];
  for (const change of changes) {
    const org = await anOrg();
    const decisions = new Decisions();
    for (const device of [pump, valve]) decisions.count(question(device), granted, at(1));
    await save(org, 1, decisions);
    const set = `begin; set local app.org = '${uuidOf(org.scope.org)}'`;
    await asOwner(
      database.login,
      `${set}; update holdfast.decision set ${change} where org = '${uuidOf(org.scope.org)}' and device = '${uuidOf(pump)}'; commit`,
    );
    const from = change.startsWith("day") ? ((day - 86_400_000) as Instant) : day; // milliseconds both
    const asked = { day: from, devices: undefined, limit: 10 };
    const { cells } = await storage.read(org, (unit) => decisionsIn(unit).page(asked, undefined, new Map()));
    const altered = cells.filter((cell) => "isAltered" in cell);
    assert.deepEqual(
      altered.map(({ question: asked_, hours }) => [asked_, hours[1]]),
      [[undefined, 1]],
      change,
    );
    assert.equal(cells.length, change.startsWith("day") ? 1 : 2, "the other one opens");
  }
});
