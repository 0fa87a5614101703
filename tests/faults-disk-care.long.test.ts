import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { routes } from "@holdfast/protocol";
import { startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, signIn } from "./console.fixture.ts";
import { Cared } from "./faults/cared.ts";
import { Deployment } from "./faults/deployment.ts";
import { Disk } from "./faults/disk.ts";
import { asOwner } from "./faults/owner.ts";
import { Chance } from "./faults/seed.ts";

const made = Disk.make(640);

test(
  "a disk that runs full to the last block while chunks are joined and moved loses nothing and stops no reading; the Overview says so until there is room, and then all goes on",
  { skip: typeof made === "string" ? made : false },
  async (t) => {
    if (typeof made === "string") return;
    const disk = made;
    const chance = new Chance();
    t.diagnostic(`seed ${chance.seed}`);
    buildConsole();
    const store = mkdtempSync(path.join(tmpdir(), "holdfast-store-"));
    chmodSync(store, 0o777); // started by root, the server becomes another user
    const deployment = await Deployment.make(chance, {
      data: path.join(disk.folder, "data"),
      more: ["--cold-after", "30", "--cold-store", store, "--allow-root"],
    });
    t.after(async () => {
      await deployment.close();
      disk.close();
      rmSync(store, { recursive: true, force: true });
    });
    await deployment.begin("nowhere").ready;
    const cared = await Cared.begin({ deployment, chance, store });
    const browser = await startBrowser();
    t.after(() => browser.close());
    const { page } = await visit(browser, { isMovable: true });
    await page.goto(`${deployment.ready.url}/o/${cared.welcome.org}`);
    await signIn(page);
    const alarm = page.getByText("The disk of the platform is almost full: nothing new is taken.");
    await page.getByText("The keys have never been backed up.").waitFor();
    assert.equal(await alarm.count(), 0);

    const isReady = async () => (await deployment.visitor.send("GET", "/readyz")).status === 200;
    const isFull = async () => routes.readPlatform.reply.parse(await cared.me.get("/v1/platform")).storage?.isFull;
    const database = await asOwner(deployment);
    t.after(() => database.end().catch(() => undefined)); // PostgreSQL may have ended it
    const untidy = async () =>
      (await database.query<{ one: number }>("select count(*)::int as one from holdfast.untidy where since = 0"))
        .rows[0]?.one ?? 0;

    for (let round = 0; round < 15; round += 1) assert.ok(await cared.send());
    await cared.care(false);
    let isOver = false;
    const sending = (async () => {
      while (!isOver) if (!(await cared.send())) await wait(50);
    })();
    t.after(() => void (isOver = true));
    disk.fillTo(0);
    await until(async () => !(await isReady()));
    await database.query("select 1");
    await wait(1_000); // in which all that PostgreSQL had set aside is used up, too
    assert.equal(await isFull(), true);
    const there = await cared.read();
    assert.ok(there > 100, `${there} readings`);
    await page.clock.fastForward(10_000);
    await alarm.waitFor();

    disk.free();
    await until(isReady);
    assert.equal(await isFull(), false);
    await page.clock.fastForward(10_000);
    await alarm.waitFor({ state: "hidden" });
    await until(() => cared.send());
    await database.query("update holdfast.untidy set since = 0");
    isOver = true;
    await sending;
    await until(async () => (await untidy()) === 0);
    const told = deployment.log.split("\n").filter((line) => line.includes('"code":"storage.full"'));
    // Once each time: an answer of PostgreSQL that was under way when there was room again says once more that it is full.
    const turns = deployment.log.match(/nothing new is taken until there is room again|The disk has room again/g) ?? [];
    assert.ok(turns.length === 2 || turns.length === 4, `${turns.length}`);
    assert.ok(turns.every((turn, at) => turn.startsWith(at % 2 === 0 ? "nothing" : "The disk")));
    assert.ok(told.length < 20, "the log is on a disk, too");
    assert.doesNotMatch(deployment.log, /our own fault/);

    assert.equal((await deployment.stop()).code, 0);
    await deployment.begin("nowhere").ready;
    await cared.care(true);
    const { points, objects } = await cared.settle();
    t.diagnostic(`${points} readings there, none missing, none twice, ${objects} objects and no other`);
    assert.equal((await deployment.stop()).code, 0);
  },
);

/** Looks until it holds: what another process notices has no event for us. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await holds())) {
    assert.ok(performance.now() < end, "it never came about");
    await wait(50);
  }
}
