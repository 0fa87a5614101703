import { rfc3339 } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { Audit } from "./audit.ts";
import type { Entry } from "./record.ts";

export const auditRoutes = (audit: Audit): Handler[] => [
  on(routes.listAudit, async ({ permit, query }) => {
    const { items, nextCursor } = await audit.entries(permit, query);
    return { items: items.map(reply), ...(nextCursor !== undefined && { nextCursor }) };
  }),
];

const reply = ({ id, at, what, about, by, facts }: Entry) => ({
  id,
  time: rfc3339(at),
  what,
  about,
  by: by.kind === "platform" ? "platform" : by.id,
  ...(by.kind === "credential" && by.person && { person: by.person }),
  ...(facts && { facts: { ...facts } }),
});
