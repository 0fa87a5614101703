import { isRefusal, newId, Refusal, type Clock, type Id, type Random, type Report } from "@holdfast/kernel";
import type { Permit, Reach, Spaces } from "../authority/index.ts";
import { Unreachable, type Calls } from "../outbound/index.ts";
import { AlteredRows, soundPageOf, type Page, type Sound, type Storage, type Unit } from "../storage/index.ts";
import { deliveriesIn } from "./delivery-rows.ts";
import type { Lookout } from "./lookout.ts";
import { alertsIn, rulesIn, webhooksIn, type AlertsAsked } from "./postgres.ts";
import { changeRule, type Alert, type Concerned, type Rule, type RuleChange } from "./rule.ts";
import { enabled, newWebhookSecret, type Webhook } from "./webhook.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly clock: Clock;
  readonly random: Random;
  readonly lookout: Pick<Lookout, "rulesChanged" | "rulesMayHaveChanged" | "isWatching">;
  /** Whether letters to people leave by mail. */
  readonly mails: () => boolean;
  /** By which webhooks are called. */
  readonly calls: Pick<Calls, "refuseInside">;
  readonly report: Report;
};

type Managing = Permit<"alert.manage">;
type Reading = Permit<"alert.read">;
type Versions = readonly number[] | undefined;
/** Which devices whoever asks may read, asked when they are about to be; nothing where that is none at all. */
type Seen = () => Reach<"device.read"> | undefined;
export type Shown = { readonly alert: Alert; readonly devices: readonly Concerned[] };

const [mostRules, mostWebhooks] = [200, 100];

/** What an organisation wants to be told of its devices, and what it was told. */
export class Alerts {
  readonly #needs: Needs;
  readonly #altered: AlteredRows;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#altered = new AlteredRows(needs.report);
  }

  /** @throws Refusal `alertRule.tooMany`, and as `#refuseUnknown` */
  async createRule(permit: Managing, wanted: Omit<Rule, "id" | "createdAt" | "version">): Promise<Rule> {
    const { storage, clock, random } = this.#needs;
    storage.admit();
    const rule: Rule = { id: newId("alertRule", random), ...wanted, createdAt: clock.now(), version: 1 };
    await this.#changeRules(permit, async (unit) => {
      if ((await rulesIn(unit).count()) >= mostRules) throw new Refusal("alertRule.tooMany");
      await this.#refuseUnknown(unit, rule);
      await rulesIn(unit).save(rule);
      unit.audit({ what: "alertRule.created", about: rule.id, facts: factsOf(rule) });
    });
    return rule;
  }

  rules(permit: Reading): Promise<Sound<Rule, Id<"alertRule">>> {
    return this.#told(permit, (unit) => rulesIn(unit).all());
  }

  async rule(permit: Reading, id: Id<"alertRule">): Promise<Rule> {
    const rule = await this.#needs.storage.read(permit, (unit) => rulesIn(unit).find(id));
    if (!rule) throw new Refusal("alertRule.unknown");
    return rule;
  }

  async updateRule(permit: Managing, id: Id<"alertRule">, wanted: RuleChange, versions: Versions): Promise<Rule> {
    return this.#changeRules(permit, async (unit) => {
      const before = await taken(rulesIn(unit), id, "alertRule.unknown", versions);
      const changed = changeRule(before, wanted);
      await this.#refuseUnknown(unit, changed, before);
      await rulesIn(unit).save(changed);
      unit.audit({ what: "alertRule.updated", about: id, facts: factsOf(changed) });
      return changed;
    });
  }

  async deleteRule(permit: Managing, id: Id<"alertRule">, versions: Versions): Promise<void> {
    await this.#changeRules(permit, async (unit) => {
      const facts = await ending(taken(rulesIn(unit), id, "alertRule.unknown", versions), versions);
      await rulesIn(unit).remove(id);
      const open = await alertsIn(unit).takeOpen("rule", id);
      // Whoever watches clears them and tells of it; by a rule that was altered before the start nobody does, nor where it has not been read yet.
      if (!this.#needs.lookout.isWatching(permit.scope.org, id)) await alertsIn(unit).clear(open);
      unit.audit({ what: "alertRule.deleted", about: id, facts });
    });
  }

  /** Whoever watches goes by what was committed; where nobody knows whether it was, by what is found. */
  async #changeRules<T>(permit: Managing, work: (unit: Unit) => Promise<T>): Promise<T> {
    const { storage, lookout } = this.#needs;
    const { org } = permit.scope;
    const changed = await storage.change(permit, work).catch((error: unknown) => {
      if (!(error instanceof Refusal) || error.code === "storage.unavailable") lookout.rulesMayHaveChanged(org);
      throw error;
    });
    await lookout.rulesChanged(org);
    return changed;
  }

  async list(
    permit: Reading,
    seen: Seen,
    asked: AlertsAsked & { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<Page<Shown> & Sound<Shown, Id<"alert">>> {
    return this.#told(permit, async (unit) => {
      const page = await soundPageOf(asked, (after, most) => alertsIn(unit).list(asked, after, most));
      return { ...page, items: await shown(unit, page.items, seen) };
    });
  }

  /** What was altered is told to whoever runs the platform, too. */
  async #told<T extends { readonly altered: readonly string[] }>(
    permit: Reading,
    read: (unit: Unit) => Promise<T>,
  ): Promise<T> {
    const found = await this.#needs.storage.read(permit, read);
    this.#altered.tell(permit.scope.org, found.altered);
    return found;
  }

  async read(permit: Reading, seen: Seen, id: Id<"alert">): Promise<Shown> {
    return this.#needs.storage.read(permit, (unit) => shownOne(unit, id, seen));
  }

  /** Somebody sees to it. Who did so first stays. @throws Refusal `alert.unknown`, `alert.cleared` */
  async acknowledge(permit: Permit<"alert.acknowledge">, seen: Seen, id: Id<"alert">): Promise<Shown> {
    return this.#needs.storage.change(permit, async (unit) => {
      const alert = await alertsIn(unit).take(id);
      if (!alert) throw new Refusal("alert.unknown");
      if (alert.state === "cleared") throw new Refusal("alert.cleared");
      if (alert.state === "raised") {
        const { actor } = unit;
        const by = actor.kind === "platform" ? "platform" : (actor.person ?? actor.id);
        const acknowledged = { at: unit.at, by };
        await alertsIn(unit).save({ ...alert, state: "acknowledged", acknowledged, version: alert.version + 1 });
      }
      unit.audit({ what: "alert.acknowledged", about: id });
      return shownOne(unit, id, seen);
    });
  }

  /** Its secret is in the answer, and in no other. @throws Refusal `webhook.inside`, `webhook.tooMany` */
  async createWebhook(permit: Managing, wanted: Pick<Webhook, "name" | "url">): Promise<Webhook> {
    const { storage, clock, random } = this.#needs;
    storage.admit();
    this.#refuseInside(wanted.url);
    const made = { id: newId("webhook", random), secret: newWebhookSecret(random), createdAt: clock.now(), version: 1 };
    const webhook: Webhook = { ...wanted, ...made };
    await storage.change(permit, async (unit) => {
      if ((await webhooksIn(unit).count()) >= mostWebhooks) throw new Refusal("webhook.tooMany");
      await webhooksIn(unit).save(webhook);
      const { origin } = new URL(webhook.url);
      unit.audit({ what: "webhook.created", about: webhook.id, facts: { name: webhook.name, origin } });
    });
    return webhook;
  }

  webhooks(permit: Reading): Promise<Sound<Webhook, Id<"webhook">>> {
    return this.#told(permit, (unit) => webhooksIn(unit).all());
  }

  async webhook(permit: Managing, id: Id<"webhook">): Promise<Webhook> {
    const webhook = await this.#needs.storage.read(permit, (unit) => webhooksIn(unit).find(id));
    if (!webhook) throw new Refusal("webhook.unknown");
    return webhook;
  }

  /** `state`: it was mended, and is tried again. @throws Refusal `webhook.inside` */
  async updateWebhook(
    permit: Managing,
    id: Id<"webhook">,
    wanted: {
      readonly name?: string | undefined;
      readonly url?: string | undefined;
      readonly state?: "enabled" | undefined;
    },
    versions: Versions,
  ): Promise<Webhook> {
    return this.#needs.storage.change(permit, async (unit) => {
      const before = await taken(webhooksIn(unit), id, "webhook.unknown", versions);
      if (wanted.url !== undefined && wanted.url !== before.url) this.#refuseInside(wanted.url);
      const mended = wanted.state === undefined ? { ...before, version: before.version + 1 } : enabled(before);
      const webhook = { ...mended, name: wanted.name ?? before.name, url: wanted.url ?? before.url };
      await webhooksIn(unit).save(webhook);
      if (wanted.state !== undefined) await alertsIn(unit).clear(await alertsIn(unit).takeOpen("webhook", id));
      const facts = { name: webhook.name, origin: new URL(webhook.url).origin, fields: Object.keys(wanted) };
      unit.audit({ what: "webhook.updated", about: id, facts });
      return webhook;
    });
  }

  async deleteWebhook(permit: Managing, id: Id<"webhook">, versions: Versions): Promise<void> {
    await this.#needs.storage.change(permit, async (unit) => {
      const facts = await ending(taken(webhooksIn(unit), id, "webhook.unknown", versions), versions);
      await webhooksIn(unit).remove(id);
      await deliveriesIn(unit).giveUp(id);
      await alertsIn(unit).clear(await alertsIn(unit).takeOpen("webhook", id));
      unit.audit({ what: "webhook.deleted", about: id, facts });
    });
  }

  /** An address that could only fail is refused to whoever writes it down, and not when something has happened. */
  #refuseInside(url: string): void {
    try {
      this.#needs.calls.refuseInside(url);
    } catch (cause) {
      if (!(cause instanceof Unreachable)) throw cause;
      throw new Refusal("webhook.inside", { detail: `${cause.message}.`, cause });
    }
  }

  /**
   * Whom and what a rule names has to be there; what it named `before` may be gone since.
   * @throws Refusal `member.unknown`, `webhook.unknown`, `product.unknown`, `mail.none`
   */
  async #refuseUnknown(unit: Unit, { of, people, webhooks }: Rule, before?: Rule): Promise<void> {
    const space = await this.#needs.spaces.of(unit.scope.org);
    const product = "product" in of ? of.product : undefined;
    const isSame = before && "product" in before.of && before.of.product === product;
    if (product && !isSame && !space.hasProduct(product)) throw new Refusal("product.unknown");
    const newPeople = people.filter((one) => !before?.people.includes(one));
    if (newPeople.some((person) => !space.members.has(person))) throw new Refusal("member.unknown");
    if (newPeople.length > 0 && !this.#needs.mails()) throw new Refusal("mail.none");
    for (const id of webhooks.filter((one) => !before?.webhooks.includes(one)))
      if (!(await webhooksIn(unit).find(id))) throw new Refusal("webhook.unknown");
  }
}

/** How many devices there are is told to whoever reads alerts, and those are named that are within reach. */
async function shown(unit: Unit, alerts: readonly Alert[], seen: Seen): Promise<readonly Shown[]> {
  const reach = seen();
  const ids = alerts.map(({ id }) => id);
  const named = reach && (await alertsIn(unit).named(ids, reach));
  return alerts.map((alert) => ({ alert, devices: named?.get(alert.id) ?? [] }));
}

async function shownOne(unit: Unit, id: Id<"alert">, seen: Seen): Promise<Shown> {
  const alert = await alertsIn(unit).find(id);
  const [one] = alert ? await shown(unit, [alert], seen) : [];
  if (!one) throw new Refusal("alert.unknown");
  return one;
}

/** Asked with the row locked, so that of two who start from the same version one is told. */
async function taken<I, T extends { readonly version: number }>(
  rows: { take(id: I): Promise<T | undefined> },
  id: I,
  unknown: "alertRule.unknown" | "webhook.unknown",
  versions: Versions,
): Promise<T> {
  const found = await rows.take(id);
  if (!found) throw new Refusal(unknown);
  if (versions && !versions.includes(found.version)) throw new Refusal("request.conflict");
  return found;
}

/** What is said of one that ends. That somebody altered it keeps it from nothing but from being as it was read. */
async function ending(
  taking: Promise<{ readonly name: string }>,
  versions: Versions,
): Promise<{ readonly name: string } | { readonly altered: true }> {
  try {
    return { name: (await taking).name };
  } catch (error) {
    if (!isRefusal(error, "seal.broken")) throw error;
    if (versions) throw new Refusal("request.conflict");
    return { altered: true };
  }
}

const factsOf = ({ name, states, after, of, people, webhooks }: Rule) => ({
  name,
  states,
  after,
  of,
  people,
  webhooks,
});
