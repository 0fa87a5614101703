import { uuidOf } from "@holdfast/kernel";
import type { Where } from "@holdfast/protocol";
import type { OrgScope } from "../storage/index.ts";

/**
 * A reach as a condition on rows of `device` or `application`, so that pages and counts are right. `values` go on from
 * `$first`. Tags are looked up by their keyed digest.
 */
export function reachSql(
  reach: { readonly scope: OrgScope; readonly every: readonly (readonly Where[])[] },
  table: "application" | "device" | "product",
  first: number,
): { text: string; values: unknown[] } {
  const values: unknown[] = [];
  const next = (value: unknown) => `$${first + values.push(value) - 1}`;
  const one = (where: Where): string => {
    if ("all" in where) return "true";
    if (table === "product") return "false";
    if ("application" in where)
      return `${table === "device" ? "application" : "id"} = ${next(uuidOf(where.application))}::uuid`;
    if (table === "application") return "false";
    if ("devices" in where) return `id = any(${next(where.devices.map(uuidOf))}::uuid[])`;
    if ("user" in where) return `app_user = ${next(uuidOf(where.user))}::uuid`;
    const index = next(tagIndex(reach.scope, where.tag.key, where.tag.value));
    return `exists (select 1 from device_tag t where t.org = device.org and t.device = device.id and t.tag_index = ${index})`;
  };
  const text = reach.every.map((wheres) => `(${wheres.map(one).join(" or ") || "false"})`).join(" and ");
  return { text: text || "true", values };
}

export const tagIndex = (scope: OrgScope, key: string, value: string): Uint8Array =>
  scope.index("tag", `${key}=${value}`);
