import { isId, Refusal, rfc3339, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import type { ListKeeping } from "./list-keeping.ts";
import type { KeptEntry } from "./list-rows.ts";
import { on, type Handler } from "./on.ts";

export const listRoutes = (lists: ListKeeping): Handler[] => [
  on(routes.listEntries, async ({ permit, query }) => {
    const { items, nextCursor } = await lists.page(permit, query);
    return { items: items.map(entryReply), ...(nextCursor && { nextCursor }) };
  }),
  on(routes.readListEntry, async ({ permit, params }) =>
    entryReply(await lists.read(permit, entryId(params["entry"]))),
  ),
  on(routes.createListEntry, async ({ permit, body: { expiresIn, ...body } }) => {
    const { entry, warnings } = await lists.add(permit, { ...body, lifetime: expiresIn });
    return { ...entryReply(entry), warnings: [...warnings] };
  }),
  on(routes.removeListEntry, async ({ permit, params }) => {
    await lists.remove(permit, entryId(params["entry"]));
    return {};
  }),
];

function entryId(text: string | undefined): Id<"listEntry"> {
  if (text === undefined || !isId("listEntry", text)) throw new Refusal("id.malformed");
  return text;
}

const entryReply = ({ id, list, what, value, comment, author, createdAt, expiresAt, hits, lastHitAt }: KeptEntry) => ({
  id,
  list,
  what,
  value,
  comment,
  author,
  createdAt: rfc3339(createdAt),
  ...(expiresAt !== undefined && { expiresAt: rfc3339(expiresAt) }),
  hits,
  ...(lastHitAt !== undefined && { lastHitAt: rfc3339(lastHitAt) }),
});
