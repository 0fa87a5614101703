import type { Clock, Id, Instant } from "@holdfast/kernel";
import { kindOfId, parseId, Refusal, uuidOf } from "@holdfast/kernel";
import { askToReadCredentials, seesCredential, type Permit, type Spaces } from "../authority/index.ts";
import type { Page, Storage } from "../storage/index.ts";
import type { Accounts } from "./accounts.ts";
import type { ConnectionRecord } from "./connection.ts";
import { openCursor, sealCursor } from "./cursor.ts";
import { nextMonth, startOf, type Step } from "./period.ts";
import { accountingIn, type Group, type Narrow, type UsageRow } from "./postgres.ts";
import type { Standing } from "./quota.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly accounts: Accounts;
  readonly clock: Clock;
};

type Range = { readonly from?: Instant | undefined; readonly to?: Instant | undefined };
type Paging = { readonly limit: number; readonly cursor?: string | undefined };

const day = 86_400_000; // milliseconds
const usual: Record<Step, number> = { hour: 2 * day, day: 31 * day, month: 366 * day };

export type Shown = Omit<ConnectionRecord, "credential"> & Partial<Pick<ConnectionRecord, "credential">>;

export type Quota = {
  readonly plan: string | undefined;
  readonly from: Instant;
  readonly to: Instant;
  readonly items: readonly Standing[];
};

/** What an organisation has used, and who was connected: what was counted until now, for whoever may read it. */
export class Usage {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Steps are whole: the first is the one that `from` lies in. @throws Refusal `request.malformed` for a range of nothing */
  async steps(
    permit: Permit<"usage.read">,
    asked: Narrow & Range & Paging & { every: Step; by: Group },
  ): Promise<Page<UsageRow>> {
    const { storage, clock } = this.#needs;
    const { limit, cursor, every, by } = asked;
    if (by === "credential" || asked.credential !== undefined) askToReadCredentials(permit, "Usage by credential");
    await this.#settle(permit.on);
    const to = asked.to ?? ((clock.now() + 1) as Instant); // what was counted until now
    const from = startOf(every, asked.from ?? ((to - usual[every]) as Instant)); // milliseconds less milliseconds
    if (from >= to) throw new Refusal("request.malformed", { faults: [{ path: "from", message: "not before to" }] });
    const list = `usage ${every} ${by} ${narrowness(asked)}`;
    const { scope } = permit;
    const after = cursor === undefined ? undefined : openCursor(scope, list, cursor);
    const rows = await storage.read(permit, (unit) => accountingIn(unit).usage({ ...asked, from, to }, after));
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    const behind = last && ([last.at, storedOf(by, last.about)] as const);
    return { items, nextCursor: behind && rows.length > limit ? sealCursor(scope, list, behind) : undefined };
  }

  /** Newest first, those that are open with what they have had until now; with which credential is for whoever may read those. */
  async connections(
    permit: Permit<"usage.read">,
    asked: Narrow & Range & Paging & { open?: boolean | undefined },
  ): Promise<Page<Shown>> {
    const { limit, cursor, open } = asked;
    if (asked.credential !== undefined) askToReadCredentials(permit, "The list of one credential's sessions");
    await this.#settle(permit.on);
    const { scope } = permit;
    const list = `connections ${open ?? ""} ${narrowness(asked)}`;
    const before = cursor === undefined ? undefined : openCursor(scope, list, cursor);
    const rows = await this.#needs.storage.read(permit, (unit) => accountingIn(unit).connections(asked, before));
    const items = rows
      .slice(0, limit)
      .map(({ credential, ...row }) => (seesCredential(permit, credential) ? { ...row, credential } : row));
    const last = items.at(-1);
    const behind = last && ([last.beganAt, uuidOf(last.id)] as const);
    return { items, nextCursor: behind && rows.length > limit ? sealCursor(scope, list, behind) : undefined };
  }

  async quotas(permit: Permit<"quota.read">): Promise<Quota> {
    const account = await this.#settle(permit.on);
    const { from } = account.book.month;
    return { plan: account.plan?.name, from, to: nextMonth(from), items: account.standings() };
  }

  async #settle(org: Id<"org">) {
    return this.#needs.accounts.settle(await this.#needs.spaces.of(org));
  }
}

const narrowness = ({ over, application, device, credential }: Narrow): string =>
  [over, application, device, credential].map((one) => one ?? "").join(" ");

/** As the rows are sorted: PostgreSQL writes its uuids with hyphens. */
function storedOf(by: Group, about: string | undefined): string {
  if (about === undefined || by === "organisation") return "";
  const kind = kindOfId(about);
  if (by === "credential" || kind === undefined) return about;
  return uuidOf(parseId(kind, about)).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
