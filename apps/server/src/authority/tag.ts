import { Refusal } from "@holdfast/kernel";
import { parseGrant } from "@holdfast/protocol";

export type Tag = { readonly key: string; readonly value: string };

/** `tag:KEY=VALUE`, as in a grant, or `undefined` for anything else. @throws Refusal `grant.malformed` */
export function tagIn(text: string): Tag | undefined {
  if (!text.startsWith("tag:")) return undefined;
  const [grant] = parseGrant(`device.read:${text}`);
  if (!grant || !("tag" in grant.where)) throw new Refusal("id.malformed");
  return grant.where.tag;
}

export const formatTag = ({ key, value }: Tag): string => `tag:${key}=${value}`;
