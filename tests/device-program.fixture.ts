import { appendFileSync } from "node:fs";
import { Device } from "@holdfast/device";
import { openJournal } from "@holdfast/device/node";

// A device for device-killed.test.ts: it measures 1, 2, 3 … and says which it has kept; it writes down which commands it ran.
type Told = { url: string; ca: string; key: { id: string; secret: string }; from: number; start: number };
const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const { url, ca, key, from, start } = JSON.parse(Buffer.concat(chunks).toString()) as Told; // the test's own words

const device = Device.connect({ url, ca, key, journal: openJournal({ file: "spool", secret: key.secret }) });
device.on("fault", (error) => process.stdout.write(`fault ${String(error)}\n`));
device.onCommand("mark", async ({ id, body }) => {
  appendFileSync("ran", `${id}\n`);
  await new Promise((resolve) => setTimeout(resolve, 5)); // so that a kill can fall into it
  return body;
});
for (let n = from; ; n += 1) {
  await device.keep({ n }, { time: start + n });
  process.stdout.write(`kept ${n}\n`);
  if (n % 50 === 0) await device.drained();
}
