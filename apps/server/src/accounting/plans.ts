import { Refusal, type Id } from "@holdfast/kernel";
import type { Permit, Spaces } from "../authority/index.ts";
import { violates, type Storage } from "../storage/index.ts";
import type { Accounts } from "./accounts.ts";
import { plansIn } from "./plan-rows.ts";
import { accountingIn } from "./postgres.ts";
import type { Quotas } from "./quota.ts";

type Needs = { readonly storage: Storage; readonly spaces: Spaces; readonly accounts: Accounts };

/** Named sets of quotas, and which organisation has which: the administrator of the instance decides. */
export class Plans {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** By name, each with how many organisations have it. */
  async all(permit: Permit<"plan.manage">): Promise<readonly { name: string; quotas: Quotas; orgs: number }[]> {
    const { storage } = this.#needs;
    permit.askAgain();
    const plans = await storage.instance.read((unit) => plansIn(unit).all());
    const uses = await storage.directory.call<{ plan: string; orgs: number }>("plan_uses", []);
    const orgsOf = new Map(uses.map(({ plan, orgs }) => [plan, Number(orgs)]));
    return [...plans].map(([name, quotas]) => ({ name, quotas, orgs: orgsOf.get(name) ?? 0 }));
  }

  /** A new one, or other quotas for one that there is: they hold at once for all that have it. */
  async save(permit: Permit<"plan.manage">, name: string, quotas: Quotas): Promise<void> {
    const { storage, accounts } = this.#needs;
    await this.#note(permit, { what: "plan.saved", facts: { plan: name, quotas } });
    await storage.instance.change(async (unit) => {
      await plansIn(unit).save(name, quotas);
      unit.afterCommit(() => accounts.planChanged(name, quotas));
    });
  }

  /** @throws Refusal `plan.unknown`, `plan.inUse` */
  async remove(permit: Permit<"plan.manage">, name: string): Promise<void> {
    const { storage, accounts } = this.#needs;
    permit.askAgain();
    if (!accounts.hasPlan(name)) throw new Refusal("plan.unknown");
    try {
      await storage.instance.change(async (unit) => {
        await plansIn(unit).remove(name);
        unit.afterCommit(() => accounts.planChanged(name, undefined));
      });
    } catch (error) {
      throw violates(error, "org_plan_plan_fkey") ? new Refusal("plan.inUse", { cause: error }) : error;
    }
    await this.#note(permit, { what: "plan.removed", facts: { plan: name } });
  }

  /** `undefined`: nothing is bounded any more. @throws Refusal `org.unknown`, `plan.unknown` */
  async give(permit: Permit<"plan.manage">, org: Id<"org">, plan: string | undefined): Promise<void> {
    const { storage, spaces, accounts } = this.#needs;
    permit.askAgain();
    if (plan !== undefined && !accounts.hasPlan(plan)) throw new Refusal("plan.unknown");
    const space = await spaces.of(org);
    const account = await accounts.ready(space);
    try {
      await storage.change({ scope: space.scope, actor: permit.actor }, async (unit) => {
        await accountingIn(unit).setPlan(plan);
        unit.audit({ what: "org.planChanged", about: org, facts: { from: account.plan?.name, to: plan } });
        unit.afterCommit(() => accounts.planGiven(account, plan));
      });
    } catch (error) {
      // Somebody removed it meanwhile.
      throw violates(error, "org_plan_plan_fkey") ? new Refusal("plan.unknown", { cause: error }) : error;
    }
  }

  /** In the log of the organisation by which the administrator came. */
  #note(permit: Permit<"plan.manage">, entry: { what: string; facts: Readonly<Record<string, unknown>> }) {
    return this.#needs.storage.change(permit, async (unit) => unit.audit({ ...entry, about: permit.on }));
  }
}
