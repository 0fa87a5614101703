import type { Id } from "@holdfast/kernel";
import type { DeviceFinding, deviceOrders, presenceFilters } from "@holdfast/protocol";
import type { Presence } from "../messages/index.ts";
import type { Device } from "./device.ts";

export type DeviceOrder = (typeof deviceOrders)[number];
type PresenceFilter = (typeof presenceFilters)[number];
export type Tag = { readonly key: string; readonly value: string };

/** Which devices are asked for. All of it has to hold. */
export type DeviceFilter = {
  readonly application?: Id<"application"> | undefined;
  readonly product?: Id<"product"> | undefined;
  readonly user?: Id<"user"> | undefined;
  /** Children of this device. */
  readonly gateway?: Id<"device"> | undefined;
  readonly state?: Device["state"] | undefined;
  readonly tags: readonly Tag[];
  readonly presence?: PresenceFilter | undefined;
  readonly finding?: DeviceFinding | undefined;
  /** In lower case. Each stands in the name, the alias or the id. */
  readonly words: readonly string[];
};

/** Where a page ended: what its last device is sorted by, and which it was. */
export type Bookmark = { readonly by: number | string; readonly id: Id<"device"> };

/** Text as it is searched: letters that look alike are alike. */
const searchable = (text: string): string => text.normalize("NFKC").toLowerCase();

export const wordsIn = (text: string): readonly string[] => searchable(text).split(/\s+/).filter(Boolean);

/** All that a word may be found in. No word reaches over the line breaks. */
export const textOf = ({ name, alias = "", id }: Device): string => searchable(`${name}\n${alias}\n${id}`);

/** By this key names stand as people expect it: accents and case make no difference, and Pump 2 stands before Pump 10. */
export const sortKey = (name: string): string =>
  name
    .normalize("NFKD")
    .replaceAll(/\p{M}+/gu, "")
    .toLowerCase()
    .replaceAll(/\d+/g, (digits) => digits.padStart(12, "0"));

/** What is retired is neither: nobody waits for it. */
export function isPresent(
  device: { readonly state: Device["state"] },
  presence: Presence,
): "online" | "offline" | undefined {
  if (device.state === "retired") return undefined;
  return presence.state === "online" ? "online" : "offline";
}

/** What is wrong with it is asked for by that, and whether it is connected by the other two words. */
export const isSo = (
  wanted: PresenceFilter,
  device: { readonly state: Device["state"] },
  presence: Presence,
): boolean =>
  wanted === "online" || wanted === "offline"
    ? isPresent(device, presence) === wanted
    : device.state !== "retired" && presence.trouble?.state === wanted;

export const matches = ({ application, product, user, gateway, state, tags }: DeviceFilter, device: Device): boolean =>
  (application === undefined || device.application === application) &&
  (product === undefined || device.product === product) &&
  (user === undefined || device.user === user) &&
  (gateway === undefined || device.gateway === gateway) &&
  (state === undefined || device.state === state) &&
  tags.every(({ key, value }) => device.tags[key] === value);
