import { parseId, rfc3339, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler, type KeptUserEntry } from "../authority/index.ts";
import type { OwnLists } from "./own-lists.ts";

export const ownListRoutes = (lists: OwnLists): Handler[] => [
  on(routes.listOwnListEntries, async ({ caller, query }) => ({
    items: (await lists.list(caller, query.device)).map(entryReply),
  })),
  on(routes.readOwnListEntry, async ({ caller, params }) => entryReply(await lists.read(caller, entryIn(params)))),
  on(routes.createOwnListEntry, async ({ caller, body: { expiresIn, device, ...body } }) => {
    const { entry, warnings } = await lists.add(caller, { ...body, device, lifetime: expiresIn });
    return { ...entryReply(entry), warnings: [...warnings] };
  }),
  on(routes.removeOwnListEntry, async ({ caller, params }) => {
    await lists.remove(caller, entryIn(params));
    return {};
  }),
  on(routes.listDeviceUserEntries, async ({ permit }) => {
    const { user, entries } = await lists.ofDevice(permit);
    return { ...(user && { user }), items: entries.map(entryReply) };
  }),
];

const entryIn = (params: Readonly<Record<string, string>>): Id<"listEntry"> =>
  parseId("listEntry", params["entry"] ?? "");

const entryReply = (entry: KeptUserEntry) => {
  const { id, list, what, value, device, comment, createdAt, expiresAt, hits, lastHitAt } = entry;
  return {
    id,
    list,
    what,
    value,
    ...(device && { device }),
    comment,
    createdAt: rfc3339(createdAt),
    ...(expiresAt !== undefined && { expiresAt: rfc3339(expiresAt) }),
    hits,
    ...(lastHitAt !== undefined && { lastHitAt: rfc3339(lastHitAt) }),
  };
};
