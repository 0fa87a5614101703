import type { Clock, Random, Report, Timers } from "@holdfast/kernel";
import { Alerts, Deliveries, Lookout } from "./alerts/index.ts";
import { alertRoutes } from "./alerts/routes.ts";
import type { Handler, Spaces } from "./authority/index.ts";
import type { Post } from "./identity/index.ts";
import type { Presences } from "./messages/index.ts";
import { Calls, Names } from "./outbound/index.ts";
import type { Calling } from "./single-sign-on.ts";
import type { Keyring, Storage } from "./storage/index.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly presences: Presences;
  readonly keys: Keyring;
  readonly post: Post;
  readonly calling: Calling;
  readonly address: () => string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly report: Report;
};

/** What organisations are told of their devices, and by which ways. */
export class Alerting {
  readonly handlers: readonly Handler[];
  readonly #lookout: Lookout;
  readonly #deliveries: Deliveries;

  private constructor(needs: Needs) {
    const names = new Names({ server: needs.calling.server });
    const calls = new Calls({ ...needs.calling, names, timers: needs.timers });
    this.#deliveries = new Deliveries({ ...needs, calls });
    this.#lookout = new Lookout({ ...needs, due: (org) => this.#deliveries.noteDue(org) });
    const alerts = new Alerts({ ...needs, calls, lookout: this.#lookout, mails: () => needs.post.by === "mail" });
    this.handlers = alertRoutes({ alerts, deliveries: this.#deliveries });
  }

  static async open(needs: Needs): Promise<Alerting> {
    const alerting = new Alerting(needs);
    await alerting.#lookout.begin();
    return alerting;
  }

  /** Each second. */
  async round(): Promise<void> {
    await this.#lookout.round();
    this.#deliveries.round();
  }

  async close(): Promise<void> {
    this.#lookout.close();
    await this.#deliveries.close();
  }
}
