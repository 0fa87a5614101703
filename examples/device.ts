// A thermometer for Node, with the package in packages/device. The key, as `POST /v1/devices` gives it, comes by standard input:
//
//   node examples/device.ts mqtts://HOST:PORT CA-FILE SPOOL-FILE < key.json
import { readFileSync } from "node:fs";
import { Device } from "@holdfast/device";
import { listeningPorts, openJournal } from "@holdfast/device/node";

const [url = "", caFile = "", file = ""] = process.argv.slice(2);
const key = JSON.parse(readFileSync(0, "utf8")) as { id: string; secret: string };

const device = Device.connect({
  url,
  ca: readFileSync(caFile, "utf8"),
  key,
  journal: openJournal({ file, secret: key.secret }),
});
const say = (line: string) => process.stderr.write(`${line}\n`);
device.on("offline", ({ wait }) => say(`offline, again in ${wait} ms`));
device.on("held", ({ lane, wait }) => say(`the platform takes no ${lane} now, again in ${wait} ms`));
device.on("fault", (error) => say(String(error)));

// It connects outwards and needs no port; what else of this machine listens, somebody should know (docs/posture.md).
device.report({ listeningPorts: listeningPorts() ?? null }).catch((error: unknown) => say(String(error)));

let interval = 60;
device.onDesired(async (desired) => {
  const { interval: wanted } = desired; // seconds
  if (typeof wanted !== "number" || wanted < 1 || wanted > 86_400) return; // a timer that is to wait for weeks does not wait at all
  interval = wanted;
  await device.report({ interval });
});
device.onCommand("add", ({ body }) => (body as number[]).reduce((sum, one) => sum + one, 0));
process.once("SIGTERM", () => void device.close().then(() => process.exit()));

for (let minutes = 0; ; minutes += 1) {
  try {
    // On disk before the next is measured; where the spool is full this waits.
    await device.keep({ temperature: 20 + 5 * Math.sin(minutes / 60) });
  } catch (error) {
    say(String(error)); // on a full disk nothing new is kept; all else goes on
  }
  await new Promise((resolve) => setTimeout(resolve, interval * 1_000));
}
