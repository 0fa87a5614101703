import { Refusal, type Report } from "@holdfast/kernel";
import type { HighWater } from "./authority/index.ts";
import type { Storage } from "./storage/index.ts";

/** Says once that the machine's clock is behind what it said before, and once that it is right again. */
export function clockWatch(clock: HighWater, report: Report): () => void {
  let wasBehind = false;
  return () => {
    const minutes = Math.round(clock.behind() / 60_000);
    if (minutes > 0 && !wasBehind) {
      report(
        `The machine's clock is ${minutes} minutes behind what it said before. Credentials go on ending by the later time: ` +
          "if the clock was wrong then, some end too early, and new ones have to be made.",
        { level: "warning" },
      );
    }
    if (minutes === 0 && wasBehind) report("The machine's clock has caught up with what it said before.");
    wasBehind = minutes > 0;
  };
}

/** At a stop: the next start's time is no earlier than now. */
export async function keepTime(needs: { storage: Storage; clock: HighWater; report: Report }): Promise<void> {
  const { storage, clock, report } = needs;
  try {
    await storage.maintain.call("raise_high_water", [clock.now()]);
  } catch (error) {
    // It has the time of the last round, and a stop must not fail because a database is away.
    if (!(error instanceof Refusal)) throw error;
    report(`The database was not told what time it is: ${error.message}`, { code: error.code });
  }
}
