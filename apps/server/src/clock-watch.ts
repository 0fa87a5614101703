import type { Report } from "@holdfast/kernel";
import type { HighWater } from "./authority/index.ts";

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
