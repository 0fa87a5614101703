import type { Id, Instant } from "@holdfast/kernel";
import type { AlertCause, AlertState } from "@holdfast/protocol";
import type { Placement } from "../authority/index.ts";

/** Which devices it is about. */
export type Watched =
  | { readonly all: true }
  | { readonly product: Id<"product"> }
  | { readonly tag: { readonly key: string; readonly value: string } };

/** What an organisation wants to be told of its devices. */
export type Rule = {
  readonly id: Id<"alertRule">;
  readonly name: string;
  readonly states: readonly AlertCause[];
  /** As somebody wrote it: `15m`. */
  readonly after: string;
  readonly of: Watched;
  readonly people: readonly Id<"person">[];
  readonly webhooks: readonly Id<"webhook">[];
  readonly createdAt: Instant;
  readonly version: number;
};

export type RuleChange = { readonly [K in keyof Omit<Rule, "id" | "createdAt" | "version">]?: Rule[K] | undefined };

export const isAbout = ({ of }: Pick<Rule, "of">, { product, tags }: Pick<Placement, "product" | "tags">): boolean =>
  "all" in of || ("product" in of ? product === of.product : tags[of.tag.key] === of.tag.value);

export function changeRule(rule: Rule, wanted: RuleChange): Rule {
  const { name, states, after, of, people, webhooks } = wanted;
  return {
    ...rule,
    name: name ?? rule.name,
    states: states ?? rule.states,
    after: after ?? rule.after,
    of: of ?? rule.of,
    people: people ?? rule.people,
    webhooks: webhooks ?? rule.webhooks,
    version: rule.version + 1,
  };
}

/** What is told, once for all devices that it is about. */
export type Alert = {
  readonly id: Id<"alert">;
  readonly rule: Id<"alertRule"> | undefined;
  /** Which one was disabled, where it is about that. */
  readonly webhook: Id<"webhook"> | undefined;
  readonly cause: AlertCause | "webhook";
  readonly because: string | undefined;
  readonly outage: boolean;
  readonly state: AlertState;
  readonly raisedAt: Instant;
  readonly acknowledged: { readonly at: Instant; readonly by: string } | undefined;
  readonly clearedAt: Instant | undefined;
  readonly count: number;
  readonly version: number;
};

/** A device of an alert. */
export type Concerned = {
  readonly device: Id<"device">;
  readonly since: Instant;
  readonly endedAt?: Instant | undefined;
};
