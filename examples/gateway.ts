// A gateway for Node: it speaks for valves that have no network of their own, each a device that is bound to it (docs/gateways.md).
// The gateway's key comes by standard input; the valves are named by id or alias:
//
//   node examples/gateway.ts mqtts://HOST:PORT CA-FILE SPOOL-FILE valve-1 valve-2 < key.json
import { readFileSync } from "node:fs";
import { Device, type Child } from "@holdfast/device";
import { openJournal } from "@holdfast/device/node";

const [url = "", caFile = "", file = "", ...names] = process.argv.slice(2);
const key = JSON.parse(readFileSync(0, "utf8")) as { id: string; secret: string };

const gateway = Device.connect({
  url,
  ca: readFileSync(caFile, "utf8"),
  key,
  journal: openJournal({ file, secret: key.secret }),
});
const say = (line: string) => process.stderr.write(`${line}\n`);
gateway.on("offline", ({ wait }) => say(`offline, again in ${wait} ms`));
gateway.on("held", ({ child = "the gateway", lane, wait }) => say(`no ${lane} of ${child} now, again in ${wait} ms`));
gateway.on("fault", (error) => say(String(error)));
process.once("SIGTERM", () => void gateway.close().then(() => process.exit()));

/** Each in a loop of its own: one that has to wait holds up nobody else. */
async function live(valve: Child): Promise<void> {
  let interval = 60;
  valve.onDesired(async (desired) => {
    const { interval: wanted } = desired; // seconds
    if (typeof wanted !== "number" || wanted < 1 || wanted > 86_400) return; // a timer that is to wait for weeks does not wait at all
    interval = wanted;
    await valve.report({ interval });
  });
  valve.onCommand("add", ({ body }) => (body as number[]).reduce((sum, one) => sum + one, 0));
  for (let minutes = 0; ; minutes += 1) {
    try {
      await valve.keep({ temperature: 20 + 5 * Math.sin(minutes / 60) });
    } catch (error) {
      // It is bound to another gateway by now, say, and has filled its share of the spool; it may be bound to this one again. Or the disk is full.
      say(`${valve.name}: ${String(error)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, interval * 1_000));
  }
}

await Promise.all(names.map((name) => live(gateway.child(name))));
