import type { Clock, Id } from "@holdfast/kernel";
import { Attempts, type Attempt, type Patience } from "../guessing/index.ts";

const second = 1_000; // milliseconds
const forgotten = 3_600 * second;

const ofPerson: Patience = { free: 10, first: second, longest: 300 * second, forgotten };
const ofNetwork: Patience = { free: 30, first: second, longest: 300 * second, forgotten };
const ofOrg: Patience = { free: 1_000, first: second, longest: 10 * second, forgotten };
/** Each time that a device changes hands its readings get a key of their own, which is kept for good. */
const ofDevice: Patience = { free: 49, first: 600 * second, longest: 3_600 * second, forgotten: 86_400 * second };

/** `who`: the application user, or the application that a device is to come to. */
type By = { readonly who: Id<"application"> | Id<"user">; readonly address: string; readonly org: Id<"org"> };

/** How often codes of boxes may be tried: by whoever tries, from where, and in an organisation as a whole. */
export class CodeAttempts {
  readonly #ofPerson: Attempts;
  readonly #ofNetwork: Attempts;
  readonly #ofDevice: Attempts;
  readonly #offersOf: Attempts;
  readonly #networkOf: (address: string) => string;

  constructor({ clock, networkOf }: { readonly clock: Clock; readonly networkOf: (address: string) => string }) {
    this.#networkOf = networkOf;
    this.#ofPerson = new Attempts({ clock, familiar: ofPerson, place: ofPerson, account: ofOrg });
    this.#ofNetwork = new Attempts({ clock, familiar: ofNetwork, place: ofNetwork, account: ofOrg });
    this.#ofDevice = new Attempts({ clock, familiar: ofDevice, place: ofDevice, account: ofOrg });
    this.#offersOf = new Attempts({ clock, familiar: ofDevice, place: ofDevice, account: ofOrg });
  }

  /** By a code that was right. @throws Refusal `rate.exceeded` where it changed hands too often lately */
  changesHands(device: Id<"device">): void {
    this.#ofDevice.begin({ familiar: undefined, from: device, account: undefined });
  }

  /** By its owner: each offer is a letter that waits for its turn among those of others. @throws Refusal `rate.exceeded` */
  isOffered(device: Id<"device">): void {
    this.#offersOf.begin({ familiar: undefined, from: device, account: undefined });
  }

  /** @throws Refusal `rate.exceeded` */
  begin({ who, address, org }: By): Pick<Attempt, "takeBack"> {
    const from = this.#networkOf(address);
    const network = this.#ofNetwork.begin({ familiar: undefined, from, account: undefined });
    const person = this.#ofPerson.begin({ familiar: undefined, from: who, account: org });
    return {
      takeBack() {
        person.takeBack();
        network.takeBack();
      },
    };
  }
}
