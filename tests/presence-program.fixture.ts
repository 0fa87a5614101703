import { Device } from "@holdfast/device";

// A device for presence-cases.test.ts: it is there, and does what it is told.
type Told = { url: string; ca: string; key: { id: string; secret: string }; keepAlive: number };
const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const device = Device.connect(JSON.parse(Buffer.concat(chunks).toString()) as Told); // the test's own words
for (const name of ["hello", "blink"]) device.onCommand(name, () => undefined);
