import { cases, type Case } from "./mqtt/cases.ts";
import { openPlace } from "./mqtt/place.ts";
import { measureCase, peersOf } from "./mqtt/sides.ts";
import { measured, rowOf, turns, warmUp } from "./mqtt/turns.ts";
import type { Result } from "./result.ts";

/** `packages/mqtt` alone beside mosquitto and aedes, by messages per CPU second of the server. */
export async function run(): Promise<Result> {
  const place = await openPlace();
  try {
    const rows: Result["rows"][number][] = [];
    for (const one of Object.values<Case>(cases)) {
      rows.push(rowOf(one.name, one.goal, await measureCase(place, ["ours", "mosquitto", "aedes"], one)));
    }
    return {
      name: "mqtt-messages",
      rows,
      notes: [
        `Messages per second of the server's CPU, user and system; ${turns} turns in alternation, each until the server had worked for ${measured.cpu / 1000} s or ${measured.atMost / 1000} s had passed, after a warm-up of ${warmUp.cpu / 1000} s, medians. 100 bytes, MQTT 3.1.1.`,
        `Beside ${await peersOf(place)}. ${place.note} Busy: the part of the time in which each server worked, in the order of the columns.`,
      ],
    };
  } finally {
    place.close();
  }
}
