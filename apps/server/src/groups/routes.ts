import { isId, parseId, Refusal, rfc3339, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { Group } from "./group.ts";
import type { Groups } from "./groups.ts";

export const groupRoutes = (groups: Groups): Handler[] => [
  on(routes.createGroup, async ({ permit, body }) => groupReply(await groups.create(permit, body.name))),
  on(routes.listGroups, async ({ permit }) => ({ items: (await groups.list(permit)).map(groupReply) })),
  on(routes.readGroup, async ({ permit, params }) => groupReply(await groups.read(permit, groupIn(params)))),
  on(routes.deleteGroup, async ({ permit, params }) => {
    await groups.delete(permit, groupIn(params));
    return {};
  }),
  on(routes.admitToGroup, async ({ permit, params, body }) =>
    groupReply(await groups.admit(permit, groupIn(params), parseId("device", params["device"] ?? ""), body)),
  ),
  on(routes.expelFromGroup, async ({ permit, params }) => {
    await groups.expel(permit, groupIn(params), parseId("device", params["device"] ?? ""));
    return {};
  }),
];

/** What has another form is no group's. */
function groupIn({ group = "" }: Readonly<Record<string, string>>): Id<"group"> {
  if (!isId("group", group)) throw new Refusal("group.unknown");
  return group;
}

const groupReply = ({ id, application, name, members, createdAt, version }: Group) => ({
  id,
  application,
  name,
  members: [...members].map(([device, { read, write }]) => ({ device, read, write })),
  createdAt: rfc3339(createdAt),
  version,
});
