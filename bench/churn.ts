import { parseArgs } from "node:util";
import { churn, type Moment } from "./churn/churn.ts";
import { growthOf, sayGrowth } from "./churn/growth.ts";
import { openBroker, openPlatform } from "./churn/places.ts";

// For as long as one likes: what `tests/churn.long.test.ts` does in five and a half minutes.
const usage = "node bench/churn.ts broker|platform [--seconds N] [--rate CLIENTS-A-SECOND] [--seed N]";
const places: Readonly<Record<string, typeof openBroker>> = { broker: openBroker, platform: openPlatform };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "300" },
    rate: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
  },
});
const [name = ""] = positionals;
const open = places[name];
const [seconds = 0, rate = 0, seed = 0] = [values.seconds, values.rate, values.seed].map(Number);
if (!open || !(seconds >= 120) || !(rate > 0) || !(seed > 0)) throw new TypeError(`${usage}; 120 seconds at least`);

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
const say = (line: string) => process.stdout.write(`${new Date().toISOString()} ${name} ${line}\n`);
const place = await open();
try {
  const moments: Moment[] = [];
  for await (const moment of churn(place, { seconds, rate, seed, every: 9 })) {
    moments.push(moment);
    const { seconds: at, visits, live, resident } = moment;
    say(`${at.toFixed(0)} s, ${visits} visits, live ${megabytes(live)}, resident ${megabytes(resident)}`);
  }
  say(`live: ${sayGrowth(growthOf(moments, "live"))}`);
  say(`resident: ${sayGrowth(growthOf(moments, "resident"))}`);
} finally {
  await place.stop();
}
