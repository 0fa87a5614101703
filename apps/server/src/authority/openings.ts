import type { Instant } from "@holdfast/kernel";
import type { Hours } from "@holdfast/protocol";
import { compileHours, timeOfWeek } from "./hours.ts";

type Opening = { readonly holds: ReturnType<typeof compileHours>; doors: number; isOpen: boolean | undefined };

/**
 * The hours of all doors of an organisation, each once: fifty thousand devices may have the same, and are not gone through when somebody
 * asks whether any of them opened or closed.
 */
export class Openings {
  readonly #all = new Map<string, Opening>();
  /** Hours are of whole minutes. */
  #minute = Number.NaN;
  #hasNew = false;

  /** A door has other hours, is new or is gone. */
  swap(before: readonly Hours[] | undefined, after: readonly Hours[] | undefined): void {
    const [gone, come] = [before && JSON.stringify(before), after && JSON.stringify(after)];
    if (gone === come) return;
    const left = gone === undefined ? undefined : this.#all.get(gone);
    if (gone !== undefined && left && (left.doors -= 1) === 0) this.#all.delete(gone);
    if (after === undefined || come === undefined) return;
    const there = this.#all.get(come);
    if (there) there.doors += 1;
    else this.#all.set(come, { holds: compileHours(after), doors: 1, isOpen: undefined });
    this.#hasNew ||= !there;
  }

  /** Whether any began or ended since this was last asked. Of those that are new nobody knows, so they did. */
  turn(now: Instant): boolean {
    const minute = Math.floor(now / 60_000);
    if (minute === this.#minute && !this.#hasNew) return false;
    this.#minute = minute;
    this.#hasNew = false;
    const shown = new Map<string, number>();
    const shows = (zone: string): number => {
      const known = shown.get(zone) ?? timeOfWeek(now, zone);
      shown.set(zone, known);
      return known;
    };
    let hasTurned = false;
    for (const opening of this.#all.values()) {
      const isOpen = opening.holds(shows);
      if (isOpen !== opening.isOpen) hasTurned = true;
      opening.isOpen = isOpen;
    }
    return hasTurned;
  }
}
