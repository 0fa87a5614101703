// A device for Node that shares the work of a group (docs/groups.md): what one does not do any more, another takes over. The key, as
// `POST /v1/devices` gives it, comes by standard input:
//
//   node examples/worker.ts mqtts://HOST:PORT CA-FILE SPOOL-FILE GROUP < key.json
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { Device } from "@holdfast/device";
import { openJournal } from "@holdfast/device/node";

const [url = "", caFile = "", file = "", name = ""] = process.argv.slice(2);
const key = JSON.parse(readFileSync(0, "utf8")) as { id: string; secret: string };

const device = Device.connect({
  url,
  ca: readFileSync(caFile, "utf8"),
  key,
  journal: openJournal({ file, secret: key.secret }),
});
const say = (line: string) => process.stdout.write(`${line}\n`);
device.on("fault", (error) => say(String(error)));

const working = device.group(name).work(
  async ({ id, body }, { signal }) => {
    const { seconds = 1 } = (body ?? {}) as { seconds?: number };
    say(`${id} begun`);
    await wait(seconds * 1_000, undefined, { signal }); // the work: it ends at once where the lease is lost
    say(`${id} done`);
    return { by: key.id };
  },
  { atOnce: 2 },
);
process.once("SIGTERM", () => {
  // What is in hand is done first; what comes after goes to others.
  void working
    .stop()
    .then(() => device.close())
    .then(() => process.exit());
});
