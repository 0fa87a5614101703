import { idFrom, Refusal, rfc3339, type Clock, type Id, type Random } from "@holdfast/kernel";
import { asPlatform, inPerson, refusedBy, type Permit, type Spaces } from "../authority/index.ts";
import type { Organisations } from "../identity/index.ts";
import { NameUnknown, type Names } from "../outbound/index.ts";
import type { Keyring, Storage, Unit } from "../storage/index.ts";
import { approved, found, lapsesAt, newsOf, notFound, recordOf, unanswered, withdrawn, type Domain } from "./domain.ts";
import { domainsIn, providersIn } from "./postgres.ts";
import { demandedIn, findIn } from "./providers.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly organisations: Pick<Organisations, "lift">;
  readonly names: Pick<Names, "texts">;
  /** By mail to the owners of an organisation. */
  readonly alert: (org: Id<"org">, letter: Told) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
};

/** What became of a look for a record. */
type Look = "there" | "lacking" | "silence";

type Told = { readonly subject: string; readonly lines: readonly string[] };

const most = 50;

/** Which of them are the organisation's, at a provider that is switched on: what it may demand its provider for. */
export async function provenDomainsIn(unit: Unit, keys: Keyring): Promise<ReadonlySet<string>> {
  const enabled = new Set(
    (await providersIn(unit, keys).all()).flatMap(({ id, isEnabled }) => (isEnabled ? [id] : [])),
  );
  const domains = await domainsIn(unit, keys).all();
  return new Set(domains.flatMap(({ domain, proof, provider }) => (proof && enabled.has(provider) ? [domain] : [])));
}

/** The domains of an organisation's e-mail addresses, and whether that they are its own is proved still. */
export class Domains {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal `provider.unknown`, `provider.tooMany`, `domain.taken` */
  async add(permit: Permit<"provider.manage">, provider: Id<"provider">, domain: string): Promise<Domain> {
    const { storage, keys, clock, random } = this.#needs;
    return storage.change(permit, async (unit) => {
      inPerson(permit, "provider.manage");
      await findIn(unit, keys, permit, provider);
      const rows = domainsIn(unit, keys);
      const all = await rows.all();
      if (all.some((one) => one.domain === domain)) throw new Refusal("domain.taken");
      if (all.length >= most) throw new Refusal("provider.tooMany");
      const token = `holdfast-${random.bytes(16).toHex()}`;
      const added: Domain = { domain, provider, token, proof: undefined, dueAt: clock.now() };
      await rows.save(added);
      unit.audit({ what: "domain.added", about: provider, facts: { domain } });
      return added;
    });
  }

  /** Looks for its record. @throws Refusal `domain.unknown`, `domain.unproved` */
  async prove(permit: Permit<"provider.manage">, provider: Id<"provider">, domain: string): Promise<Domain> {
    const before = await this.#needs.storage.read(permit, (unit) => this.#findIn(unit, permit, provider, domain));
    const { look, because } = await this.#look(before);
    const after = await this.#needs.storage.change(permit, async (unit) => {
      const now = await this.#findIn(unit, permit, provider, domain);
      unit.audit({ what: "domain.looked", about: provider, facts: { domain, isThere: look === "there" } });
      return this.#judge(unit, now, look);
    });
    if (!after.proof) throw new Refusal("domain.unproved", { detail: because });
    return after;
  }

  /** @throws Refusal `domain.unknown`, `provider.inUse` */
  async remove(permit: Permit<"provider.manage">, provider: Id<"provider">, domain: string): Promise<void> {
    const { storage, keys, spaces } = this.#needs;
    const space = await spaces.of(permit.scope.org);
    await storage.change(permit, async (unit) => {
      inPerson(permit, "provider.manage");
      await this.#findIn(unit, permit, provider, domain);
      if (demandedIn(space).has(domain)) throw new Refusal("provider.inUse");
      await domainsIn(unit, keys).remove(domain);
      unit.audit({ what: "domain.removed", about: provider, facts: { domain } });
    });
  }

  /** By the administrator of the instance, who knows it otherwise. @throws Refusal `domain.unknown` */
  async approve(permit: Permit<"domain.approve">, org: Id<"org">, domain: string): Promise<void> {
    await this.#rule(permit, org, domain, async (unit, one) => {
      await domainsIn(unit, this.#needs.keys).save(approved(one, this.#needs.clock.now()));
      unit.audit({ what: "domain.approved", about: one.provider, facts: { domain } });
    });
  }

  /** Whatever proved it: nobody is kept out for it any more. @throws Refusal `domain.unknown` */
  async withdraw(permit: Permit<"domain.approve">, org: Id<"org">, domain: string): Promise<void> {
    await this.#rule(permit, org, domain, async (unit, one) => {
      await domainsIn(unit, this.#needs.keys).save(withdrawn(one));
      unit.audit({ what: "domain.withdrawn", about: one.provider, facts: { domain } });
      await this.#needs.organisations.lift(unit, domain);
    });
  }

  /** Called each hour: looks again for records that were looked for a day ago. */
  async round(): Promise<void> {
    const { storage, clock } = this.#needs;
    const due = await storage.maintain.call<{ org: string }>("orgs_with_domains_due", [clock.now()]);
    for (const { org } of due) await this.#roundIn(idFrom("org", org));
  }

  async #roundIn(org: Id<"org">): Promise<void> {
    const { storage, keys, clock } = this.#needs;
    const allowed = asPlatform(await storage.scopeOf(org));
    const all = await storage.read(allowed, (unit) => domainsIn(unit, keys).all());
    for (const one of all.filter(({ dueAt }) => dueAt <= clock.now())) {
      const { look } = await this.#look(one);
      const news = newsOf(one, this.#after(one, look));
      const judge = async (unit: Unit): Promise<void> => {
        const before = await domainsIn(unit, keys).find(one.domain);
        if (before) await this.#judge(unit, before, look);
      };
      await (news ? storage.change(allowed, judge) : storage.note(allowed, judge));
      const letter = news && letterOf(news, this.#after(one, look));
      if (letter) await this.#needs.alert(org, letter);
    }
  }

  #after(before: Domain, look: Look): Domain {
    const now = this.#needs.clock.now();
    switch (look) {
      case "there":
        return found(before, now);
      case "lacking":
        return notFound(before, now);
      case "silence":
        return unanswered(before, now);
    }
  }

  /** What a look for its record means. */
  async #judge(unit: Unit, before: Domain, look: Look): Promise<Domain> {
    const { keys, organisations } = this.#needs;
    const { domain, provider } = before;
    const after = this.#after(before, look);
    await domainsIn(unit, keys).save(after);
    const news = newsOf(before, after);
    const until = lapsesAt(after);
    const facts = { domain, ...(until !== undefined && { lapsesAt: rfc3339(until) }) };
    if (news) unit.audit({ what: news, about: provider, facts });
    if (news === "domain.lapsed") await organisations.lift(unit, domain);
    return after;
  }

  async #look({ domain, token }: Domain): Promise<{ readonly look: Look; readonly because: string }> {
    const name = recordOf(domain);
    try {
      const texts = await this.#needs.names.texts(name);
      const look = texts.some((text) => text.trim() === token) ? "there" : "lacking";
      return { look, because: `The TXT record of ${name} says something else than ${token}.` };
    } catch (error) {
      if (!(error instanceof NameUnknown)) throw error;
      return error.isAnswered
        ? { look: "lacking", because: `There is no TXT record of ${name}.` }
        : { look: "silence", because: "Nobody answered." };
    }
  }

  async #rule(
    permit: Permit<"domain.approve">,
    org: Id<"org">,
    domain: string,
    decide: (unit: Unit, one: Domain) => Promise<void>,
  ): Promise<void> {
    const { storage, keys, spaces } = this.#needs;
    permit.askAgain();
    inPerson(permit, "domain.approve");
    const { scope } = await spaces.of(org);
    await storage.change({ scope, actor: permit.actor }, async (unit) => {
      const one = await domainsIn(unit, keys).find(domain);
      if (!one) throw new Refusal("domain.unknown");
      await decide(unit, one);
    });
  }

  async #findIn(
    unit: Unit,
    permit: Permit<"provider.manage">,
    provider: Id<"provider">,
    domain: string,
  ): Promise<Domain> {
    const { keys } = this.#needs;
    await findIn(unit, keys, permit, provider);
    const found = await domainsIn(unit, keys).find(domain);
    if (found?.provider !== provider)
      throw refusedBy(permit, "provider.manage", provider, new Refusal("domain.unknown"));
    return found;
  }
}

/** Before and when something ends that nobody here ended. */
function letterOf(news: ReturnType<typeof newsOf>, one: Domain): Told | undefined {
  const { domain } = one;
  const until = lapsesAt(one);
  const record = `the TXT record ${recordOf(domain)} with ${one.token}`;
  if (news === "domain.missing" && until !== undefined)
    return {
      subject: `${domain} will not count as your organisation's`,
      lines: [
        `Holdfast looks each day for ${record}, and an answer lacked it today. If it is lacking until ${rfc3339(until)}, ${domain} does not count as your organisation's any more.`,
        "Members with an address of it could then come by their own passwords again, if your organisation demands its provider for it. Put the record back, or take the domain away.",
      ],
    };
  if (news === "domain.lapsed")
    return {
      subject: `${domain} does not count as your organisation's any more`,
      lines: [
        `Holdfast has not found ${record} for seven days, on four of them by an answer that lacked it. Your organisation does not demand its provider for ${domain} any more: members with an address of it may come by their own passwords.`,
        "Put the record back, prove the domain again in the settings, and demand the provider again.",
      ],
    };
  return undefined;
}
