import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { startWorld } from "./authority.fixture.ts";
import { Chance } from "./faults/seed.ts";
import { eventually } from "./messages.fixture.ts";
import { mqtt } from "./revocation.fixture.ts";

const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours } = world;
const program = path.join(import.meta.dirname, "device-program.fixture.ts");
const kills = 6;
/** How many messages are under way at once, at most. */
const window = 16;

type Command = { readonly id: string; readonly state: string };

test("a device that is killed again and again loses nothing that it kept, sends again only what was under way, and runs no command twice", async (t) => {
  const chance = new Chance();
  t.diagnostic(`seed ${chance.seed}`);
  const folder = mkdtempSync(path.join(tmpdir(), "device-killed-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const application = await ours.application();
  const made = await ours.device(application.id);
  const { token } = await ours.tokenOf(["telemetry.read"]);
  const listener = await mqtt(platform, { username: "x", password: token, protocolVersion: 5 });
  t.after(() => listener.end());
  const arrived = new Map<number, number>();
  listener.client.on("message", (_, payload) => {
    const { n } = (JSON.parse(payload.toString()) as { values: { n: number } }).values;
    arrived.set(n, (arrived.get(n) ?? 0) + 1);
  });
  await listener.client.subscribeAsync(`devices/${made.id}/telemetry`, { qos: 1 });

  const told = {
    url: platform.platform.mqttsUrl,
    ca: platform.platform.caPem,
    key: made.key,
    start: clock.now() - 1_000_000,
  };
  const kept = new Set<number>();
  const sent: Command[] = [];
  const states = async () =>
    Promise.all(sent.map(({ id }) => ours.asks.get<Command>(`/v1/devices/${made.id}/commands/${id}`)));
  const answered = async () =>
    eventually(
      async () => (await states()).every(({ state }) => state === "answered" || state === "failed"),
      () => "a command has no reply",
    );
  const live = async (comes?: () => Promise<void>) => {
    const child = spawn(process.execPath, [program], { cwd: folder, stdio: ["pipe", "pipe", "inherit"] });
    t.after(() => child.kill("SIGKILL")); // where the test failed before
    child.stdin.end(JSON.stringify({ ...told, from: Math.max(0, ...kept) + 1_000 }));
    let said = "";
    child.stdout.on("data", (more: Buffer) => (said += more.toString()));
    await once(child.stdout, "data");
    for (let at = 0; at < 4; at += 1) {
      sent.push(await ours.asks.post<Command>(`/v1/devices/${made.id}/commands`, { name: "mark", body: at }));
      await wait(chance.between(0, 30));
    }
    await comes?.();
    child.kill("SIGKILL");
    await once(child, "close");
    assert.doesNotMatch(said, /fault/);
    for (const [, n] of said.matchAll(/^kept (\d+)\n/gm)) kept.add(Number(n));
  };
  for (let kill = 0; kill < kills; kill += 1) await live();
  await live(answered);
  const replied = (await states()).filter(({ state }) => state === "answered").map(({ id }) => id);
  const before = kept.size;
  const missing = () => [...kept].slice(0, before).filter((n) => !arrived.has(n));
  // Replies overtake readings: the last life goes on until what the others left has come, too.
  await live(async () => {
    await answered();
    await eventually(
      () => missing().length === 0,
      () => `of ${before} that were kept never came ${missing().slice(0, 10).join(", ")}`,
    );
  });
  const repeated = [...arrived.values()].reduce((sum, count) => sum + count - 1, 0);
  const ran = readFileSync(path.join(folder, "ran"), "utf8").trim().split("\n");
  t.diagnostic(`${arrived.size} arrived, ${repeated} once more; ${ran.length} of ${sent.length} commands ran`);
  assert.ok(repeated <= (kills + 2) * window, `${repeated} came once more`);
  assert.equal(new Set(ran).size, ran.length, "none ran twice");
  assert.ok(replied.length > 0 && replied.every((id) => ran.includes(id)));
});
