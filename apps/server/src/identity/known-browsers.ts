import { isSecret, newSecret } from "@holdfast/crypto";
import type { Clock, Id, Random } from "@holdfast/kernel";
import type { Visit } from "../authority/index.ts";
import type { InstanceUnit, Keyring, Storage } from "../storage/index.ts";
import { knownBrowsersIn, type Known } from "./known-browser-rows.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  /** What addresses one customer of a network has. */
  readonly networkOf: (address: string) => string;
  readonly clock: Clock;
  readonly random: Random;
};

/** How long a browser keeps one secret that is used, in milliseconds. */
const renewedAfter = 7 * 24 * 3_600_000;
/** Of each person: from a browser that is further back she comes as from a new one. */
const most = 20;

/** Whether somebody had signed in from there before, and what the browser's cookie is to hold from now on, where that changes. */
export type Arrival = { readonly isFamiliar: boolean; readonly isFirst: boolean; readonly cookie?: string };

/**
 * From where people have signed in. A browser holds a secret that says nothing else, so that somebody who is not there cannot pass for her; a
 * program holds nothing, and goes by its network and by what it calls itself.
 */
export class KnownBrowsers {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Who signs in with this browser by means of her own. Whoever holds its secret is there. */
  async people({ browser }: Visit): Promise<ReadonlySet<Id<"person">>> {
    if (browser === undefined || !isSecret(browser, "browser")) return new Set();
    const known = await this.#needs.storage.instance.read((unit) => knownBrowsersIn(unit, this.#needs).of(browser));
    return new Set(known.flatMap(({ person, by }) => (by ? [] : [person])));
  }

  /** Somebody signed in with it; `by` a provider, whose word makes it known for that provider and for nothing else. */
  async cameWith(person: Id<"person">, { browser: text = "" }: Visit, by?: Id<"provider">): Promise<Arrival> {
    const { storage, clock, random } = this.#needs;
    const seenAt = clock.now();
    return storage.instance.change(async (unit) => {
      const rows = knownBrowsersIn(unit, this.#needs);
      const people = isSecret(text, "browser") ? await rows.of(text) : [];
      const hers = people.find((one) => one.person === person);
      const after: Known = { person, seenAt, by: broughtBy(hers, by) };
      const isFamiliar = isKnown(hers, by);
      if (hers && isFamiliar && seenAt - hers.seenAt < renewedAfter) {
        await rows.add(text, after);
        return { isFamiliar, isFirst: false };
      }
      // Never what somebody else may have put there: whoever came with it before goes on with the new one, too.
      const cookie = newSecret(random, "browser");
      const isFirst = !hers && !(await rows.isAny(person));
      await this.#keep(unit, cookie, [...people.filter((one) => one !== hers), after]);
      if (people.length > 0) await rows.remove(text);
      return { isFamiliar, isFirst, cookie };
    });
  }

  /** Somebody signed in with a program, which keeps no cookie. */
  async cameBy(
    person: Id<"person">,
    { address, agent }: Pick<Visit, "address" | "agent">,
    by?: Id<"provider">,
  ): Promise<Arrival> {
    const { storage, clock, networkOf } = this.#needs;
    const text = `program ${networkOf(address)} ${agent}`;
    return storage.instance.change(async (unit) => {
      const rows = knownBrowsersIn(unit, this.#needs);
      const hers = (await rows.of(text)).find((one) => one.person === person);
      const isFamiliar = isKnown(hers, by);
      const isFirst = !hers && !(await rows.isAny(person));
      await this.#keep(unit, text, [{ person, seenAt: clock.now(), by: broughtBy(hers, by) }]);
      return { isFamiliar, isFirst };
    });
  }

  async #keep(unit: InstanceUnit, text: string, people: readonly Known[]): Promise<void> {
    const rows = knownBrowsersIn(unit, this.#needs);
    for (const known of people) {
      await rows.add(text, known);
      await rows.keepLast(known.person, most);
    }
  }
}

/** What she came with by means of her own is known for all; what a provider brought her with, for that one. */
const isKnown = (hers: Known | undefined, by: Id<"provider"> | undefined): boolean =>
  hers !== undefined && (hers.by === undefined || (by !== undefined && hers.by.includes(by)));

const broughtBy = (hers: Known | undefined, by: Id<"provider"> | undefined): Known["by"] =>
  by === undefined || (hers && !hers.by) ? undefined : [...new Set([...(hers?.by ?? []), by])];
