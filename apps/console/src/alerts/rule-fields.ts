import { isId, parseId } from "@holdfast/kernel";
import type { Input, Reply } from "@holdfast/client";
import { duration, type AlertCause, type routes } from "@holdfast/protocol";
import { words } from "../words/index.ts";

export type Rule = Reply<typeof routes.listAlertRules>["items"][number];
type Wanted = Input<typeof routes.createAlertRule>["body"];
const own = words.alerts.rules;

/** A rule as it is typed. */
export type RuleFields = {
  name: string;
  states: string[];
  after: string;
  by: "all" | "product" | "tag";
  product: string;
  key: string;
  value: string;
  people: string[];
  webhooks: string[];
};

/** A rule that is being made begins as the platform would have it. */
export function fieldsOf(rule: Rule | undefined): RuleFields {
  const fields = { name: "", by: "all" as const, product: "", key: "", value: "" };
  if (!rule) return { ...fields, states: ["offline"], after: "1m", people: [], webhooks: [] };
  const { name, states, after, of, people, webhooks } = rule;
  const as = { ...fields, name, states: [...states], after, people: [...people], webhooks: [...webhooks] };
  if ("product" in of) return { ...as, by: "product", product: of.product };
  return "tag" in of ? { ...as, by: "tag", ...of.tag } : as;
}

/** What is said to the platform; of fields without faults. */
export function wantedOf({ name, states, after, by, product, key, value, people, webhooks }: RuleFields) {
  const of =
    by === "product"
      ? { product: parseId("product", product) }
      : by === "tag"
        ? { tag: { key: key.trim(), value: value.trim() } }
        : { all: true as const };
  return {
    name,
    states: causes.filter((cause) => states.includes(cause)),
    after: after.trim(),
    of,
    people: people.map((id) => parseId("person", id)),
    webhooks: webhooks.map((id) => parseId("webhook", id)),
  } satisfies Wanted;
}

type Webhook = Pick<Reply<typeof routes.listWebhooks>["items"][number], "name" | "state"> & { readonly id: string };

/** What a rule may call, and before that what it still names though it is gone or was altered, so that it can be taken off; nothing as long as nobody knows. */
export function webhooksFor(
  told: readonly string[],
  webhooks: readonly Webhook[] | undefined,
  altered: readonly string[] = [],
) {
  if (!webhooks) return [];
  const gone = told.filter((id) => !webhooks.some((one) => one.id === id));
  return [
    ...gone.map((id) => ({ id, label: altered.includes(id) ? own.alteredWebhook(id) : own.goneWebhook(id) })),
    ...webhooks.map(({ id, name, state }) => ({ id, label: state === "enabled" ? name : own.disabled(name) })),
  ];
}

export const causes = Object.keys(own.causes) as AlertCause[]; // the keys of a constant

const most = 31 * 86_400_000; // milliseconds

function isLength(text: string): boolean {
  const { success, data } = duration.safeParse(text.trim());
  return success && data <= most;
}

/** What is wrong with each field, or `null`. */
export const faultsIn = {
  states: (states: string[]) => (states.length > 0 ? null : own.noState),
  after: (text: string) => (isLength(text) ? null : own.afterFault),
  product: (product: string, { by }: RuleFields) =>
    by !== "product" || isId("product", product) ? null : own.noProduct,
  key: (key: string, { by }: RuleFields) => (by !== "tag" || key.trim() !== "" ? null : own.noTag),
};
