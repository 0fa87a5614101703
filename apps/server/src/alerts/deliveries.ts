import {
  because,
  isRefusal,
  newId,
  Refusal,
  rfc3339,
  type Clock,
  type Id,
  type Instant,
  type Random,
  type Report,
  type Timers,
} from "@holdfast/kernel";
import { asPlatform, type Space, type Spaces } from "../authority/index.ts";
import { peopleIn, type Post } from "../identity/index.ts";
import { Unreachable, type Calls } from "../outbound/index.ts";
import type { Keyring, Storage, Unit } from "../storage/index.ts";
import { deliveriesIn, type Delivery } from "./delivery-rows.ts";
import { alertLetter } from "./letter.ts";
import { alertsIn, rulesIn, webhooksIn } from "./postgres.ts";
import { alertReply } from "./reply.ts";
import type { Alert, Concerned, Rule } from "./rule.ts";
import { pauseAfter, signed, tried, type Webhook } from "./webhook.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly keys: Keyring;
  readonly post: Post;
  /** Guarded: an organisation wrote the address down. */
  readonly calls: Pick<Calls, "fetch">;
  /** Where the platform is, by a name that is in its certificate. */
  readonly address: () => string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly report: Report;
};

type Told = { readonly alert: Alert; readonly devices: readonly Concerned[]; readonly rule: Rule | undefined };
type Attempt = { readonly problem: string | undefined; readonly isGone: boolean };

const atOnce = 20;
const whileStopped = 5_000; // milliseconds until it is looked whether it still is
const patience = 2_000; // milliseconds that a stop waits for what is under way

/** Tells people and programs of alerts: what waits in the database is sent, once at least, over a restart too. */
export class Deliveries {
  readonly #needs: Needs;
  /** When the next one of an organisation is due. */
  readonly #due = new Map<Id<"org">, number>();
  readonly #running = new Map<Id<"org">, Promise<void>>();
  #isClosed = false;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  noteDue(org: Id<"org">): void {
    this.#due.set(org, 0);
  }

  /** Each second. Nobody waits for the receivers of another organisation. */
  round(): void {
    const now = this.#needs.clock.now();
    for (const [org, due] of this.#due) {
      if (due > now || this.#running.has(org) || this.#isClosed) continue;
      this.#due.delete(org);
      const run = this.#send(org).catch((error: unknown) => {
        if (isRefusal(error, "org.unknown")) return;
        this.#due.set(org, now + 10_000);
        if (this.#isClosed) return;
        this.#needs.report("Alerts of an organisation could not be sent. It is tried again.", {
          ...because(error),
          org,
        });
      });
      this.#running.set(org, run);
      void run.then(() => this.#running.delete(org));
    }
  }

  /** What is not told by then is told after the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const late = Promise.withResolvers<void>();
    const timer = this.#needs.timers.after(patience, late.resolve);
    await Promise.race([Promise.all(this.#running.values()), late.promise]);
    timer.cancel();
  }

  /** Now, once, whatever becomes of it. */
  async try(webhook: Webhook): Promise<Attempt> {
    const { clock, random } = this.#needs;
    const at = clock.now();
    const payload = JSON.stringify({ type: "webhook.test", timestamp: rfc3339(at), data: { webhook: webhook.id } });
    return this.#call(webhook, `msg_${random.bytes(16).toHex()}`, payload);
  }

  async #send(org: Id<"org">): Promise<void> {
    const { storage, spaces, clock } = this.#needs;
    const space = await spaces.of(org);
    // While it is stopped nobody is told: one that was restored may name members and programs that were removed since.
    if (space.stop) return void this.#due.set(org, clock.now() + whileStopped);
    const it = asPlatform(space.scope);
    for (;;) {
      const due = await storage.read(it, (unit) => deliveriesIn(unit).due(atOnce));
      await Promise.all(due.map((delivery) => this.#deliverOrGiveUp(space, delivery)));
      if (due.length === 0 || this.#isClosed) break;
    }
    const next = await storage.read(it, (unit) => deliveriesIn(unit).nextDue());
    // Something may have been added meanwhile, which is due at once.
    if (next < Number.POSITIVE_INFINITY) this.#due.set(org, Math.min(next, this.#due.get(org) ?? next));
  }

  /** What somebody altered does not open any more, and is told to nobody; what is due later does not wait for it. */
  async #deliverOrGiveUp(space: Space, delivery: Delivery): Promise<void> {
    const { storage, report } = this.#needs;
    try {
      await this.#deliver(space, delivery);
    } catch (error) {
      if (!isRefusal(error, "seal.broken")) throw error;
      await storage.note(asPlatform(space.scope), (unit) => deliveriesIn(unit).done(delivery.id));
      report("An alert or its webhook was altered in the database, and one is not told of it.", {
        org: space.org,
        alert: delivery.alert,
      });
    }
  }

  async #deliver(space: Space, delivery: Delivery): Promise<void> {
    const { storage } = this.#needs;
    const it = asPlatform(space.scope);
    const { webhook, told } = await storage.read(it, async (unit) => ({
      webhook: delivery.webhook && (await webhooksIn(unit).find(delivery.webhook)),
      told: await toldOf(unit, delivery.alert),
    }));
    if (told && delivery.person) await this.#mail(space, delivery, told);
    if (!told || !webhook || webhook.disabledAt !== undefined)
      return storage.note(it, (unit) => deliveriesIn(unit).done(delivery.id));
    const { event } = delivery;
    const { alert, rule } = told;
    const payload = JSON.stringify({
      type: `alert.${event}`,
      timestamp: rfc3339((event === "cleared" ? alert.clearedAt : undefined) ?? alert.raisedAt),
      data: { org: space.org, ...alertReply(told), ...(rule && { ruleName: rule.name }) },
    });
    const attempt = await this.#call(webhook, `msg_${delivery.id}`, payload);
    await this.#note(space, delivery, webhook.id, attempt);
  }

  async #call({ url, secret }: Webhook, id: string, payload: string): Promise<Attempt> {
    const { calls, clock } = this.#needs;
    const headers = { "content-type": "application/json", ...signed(secret, id, clock.now(), payload) };
    try {
      const { status } = await calls.fetch(url, { method: "POST", headers, body: payload });
      const isTaken = status >= 200 && status < 300;
      return { problem: isTaken ? undefined : `it answered ${status}`, isGone: status === 410 };
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      return { problem: error.message, isGone: false };
    }
  }

  /** What became of an attempt; whoever was disabled by it is told of in the console. */
  async #note({ scope }: Space, delivery: Delivery, id: Id<"webhook">, attempt: Attempt): Promise<void> {
    const { storage, random } = this.#needs;
    const { problem, isGone } = attempt;
    const it = asPlatform(scope);
    const isOver = await storage.note(it, async (unit) => {
      const webhook = await webhooksIn(unit).take(id);
      if (!webhook) return false;
      const after = tried(webhook, problem, isGone, unit.at);
      if (webhook.disabledAt === undefined && after.disabledAt !== undefined) return true;
      if (problem === undefined) await deliveriesIn(unit).done(delivery.id);
      else await deliveriesIn(unit).again(delivery.id, unit.at + pauseAfter(delivery.attempts + 1));
      if (problem !== undefined || webhook.failing) await webhooksIn(unit).save(after);
      return false;
    });
    if (!isOver) return;
    // All of it or nothing: what fails is tried again with the delivery, which is still there.
    const disabling = storage.change(it, async (unit) => {
      const webhook = await webhooksIn(unit).take(id);
      const after = webhook && tried(webhook, problem, isGone, unit.at);
      // Somebody removed or mended it meanwhile: there is no change, and what waits is looked at again.
      if (after?.disabledAt === undefined || webhook?.disabledAt !== undefined) throw new Refusal("webhook.unknown");
      await webhooksIn(unit).save(after);
      await deliveriesIn(unit).giveUp(id);
      const state = { state: "raised", acknowledged: undefined, clearedAt: undefined, version: 1 } as const;
      const about = { rule: undefined, webhook: id, cause: "webhook", because: problem, outage: false } as const;
      await alertsIn(unit).save({ id: newId("alert", random), ...about, ...state, raisedAt: unit.at, count: 0 });
      unit.audit({ what: "webhook.disabled", about: id, facts: { problem } });
    });
    await disabling.catch((error: unknown) => {
      if (!isRefusal(error, "webhook.unknown")) throw error;
    });
  }

  /** To members alone, at the address that is theirs now. */
  async #mail(space: Space, { person, event }: Delivery, { alert, devices, rule }: Told): Promise<void> {
    const { storage, post, address } = this.#needs;
    if (!person || !space.member(person)) return;
    const found = await storage.instance.read((unit) => peopleIn(unit, this.#needs).find(person));
    if (!found) return;
    const at: Instant = (event === "cleared" ? alert.clearedAt : undefined) ?? alert.raisedAt;
    const link = `${address()}/o/${space.org}/devices`;
    await post.send(alertLetter(found.email, { alert, devices, rule: rule?.name, event, at, link }));
  }
}

async function toldOf(unit: Unit, id: Id<"alert">): Promise<Told | undefined> {
  const alert = await alertsIn(unit).find(id);
  if (!alert) return undefined;
  return {
    alert,
    devices: (await alertsIn(unit).named([id], "everything")).get(id) ?? [],
    rule: alert.rule && (await nameable(unit, alert.rule)),
  };
}

/** Whom it tells was written down with the delivery; where it is gone or was altered, nothing but its name is missing. */
async function nameable(unit: Unit, id: Id<"alertRule">): Promise<Rule | undefined> {
  try {
    return await rulesIn(unit).find(id);
  } catch (error) {
    if (isRefusal(error, "seal.broken")) return undefined;
    throw error;
  }
}
