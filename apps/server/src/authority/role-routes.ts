import { isId, Refusal, rfc3339 } from "@holdfast/kernel";
import { formatGrant, isBuiltIn, roleNames, routes, type Role } from "@holdfast/protocol";
import { callerOf, refusedBy, type Caller } from "./caller.ts";
import { on, type Handler } from "./on.ts";
import type { Permit } from "./permit.ts";
import { countsOf, type Outcome, type Roles } from "./role-keeping.ts";
import { readGrants, writtenOf, type OwnRole, type Written } from "./role.ts";
import { grantsOfRole, purposeOf } from "./roles.ts";

export const roleRoutes = (roles: Roles): Handler[] => [
  on(routes.listRoles, async ({ permit }) => {
    const set = await roles.all(permit);
    const counts = countsOf(callerOf(permit).space.members.values());
    const membersOf = (role: Role) => counts.get(role) ?? 0;
    return {
      items: [
        ...roleNames.map((name) => ({ ...builtInReply(name), members: membersOf(name) })),
        ...set.roles.map((role) => ({ ...ownReply(role), members: membersOf(role.id) })),
      ],
    };
  }),
  on(routes.readRole, async ({ permit, params }) => {
    const asked = roleIn(params["role"]);
    const members = membersWith(permit, asked);
    if (isBuiltIn(asked)) return { ...builtInReply(asked), members };
    const found = (await roles.all(permit)).roles.find(({ id }) => id === asked);
    if (!found) throw refusedBy(permit, "role.read", asked, new Refusal("role.unknown"));
    return { ...ownReply(found), members };
  }),
  on(routes.createRole, async ({ permit, body }) => {
    const role = await roles.create(permit, { ...body, grants: readGrants(body.grants) });
    return { ...ownReply(role), members: 0 };
  }),
  on(routes.updateRole, async ({ permit, params, body, versions }) => {
    const change: Partial<Written> = {
      ...(body.name !== undefined && { name: body.name }),
      ...(body.description !== undefined && { description: body.description }),
      ...(body.grants !== undefined && { grants: readGrants(body.grants) }),
    };
    const role = await roles.update(permit, roleIn(params["role"]), change, versions);
    return { ...ownReply(role), members: membersWith(permit, role.id) };
  }),
  on(routes.deleteRole, async ({ permit, params, query, versions }) => {
    await roles.delete(permit, roleIn(params["role"]), query.replacement, versions);
    return {};
  }),
  on(routes.exportRoles, async ({ permit }) => {
    const set = await roles.all(permit);
    return { roles: writtenOf(set), version: set.version };
  }),
  on(routes.applyRoles, async ({ permit, caller, query, body, versions }) => {
    caller.permit("role.read", caller.org); // the difference shows what there is
    const file = body.roles.map((role, at) => ({ ...role, grants: readGrants(role.grants, `roles.${at}.grants`) }));
    const isDry = query.dryRun === "true";
    const outcome = await (isDry ? roles.preview(permit, file, versions) : roles.apply(permit, file, versions));
    return outcomeReply(caller, outcome, !isDry);
  }),
];

/** @throws Refusal `id.malformed` */
function roleIn(text = ""): Role {
  if (isBuiltIn(text) || isId("role", text)) return text;
  throw new Refusal("id.malformed");
}

const membersWith = (permit: Permit<"role.read"> | Permit<"role.update">, role: Role): number =>
  countsOf(callerOf(permit).space.members.values()).get(role) ?? 0;

const builtInReply = (name: (typeof roleNames)[number]) => ({
  id: name,
  name,
  description: purposeOf[name],
  grants: grantsOfRole(name, new Map()).map(formatGrant),
});

const ownReply = ({ id, name, description, grants, createdAt, version }: OwnRole) => ({
  id,
  name,
  description,
  grants: grants.map(formatGrant),
  createdAt: rfc3339(createdAt),
  version,
});

function outcomeReply(caller: Caller, { difference, effects, version }: Outcome, applied: boolean) {
  const { added, removed, changed } = difference;
  const named = ({ name, grants }: OwnRole) => ({ name, grants: grants.map(formatGrant) });
  const mayReadMembers = caller.decide("member.read", { kind: "org" }).allowed;
  return {
    applied,
    version,
    added: added.map(named),
    removed: removed.map(named),
    changed: changed.map(({ before, after }) => {
      const [old, now] = [named(before).grants, named(after).grants];
      return {
        name: after.name,
        described: before.description !== after.description || before.name !== after.name,
        added: now.filter((grant) => !old.includes(grant)),
        removed: old.filter((grant) => !now.includes(grant)),
      };
    }),
    people: mayReadMembers
      ? effects.map(({ person, role, gains, loses }) => ({ person, role, gains: [...gains], loses: [...loses] }))
      : [],
  };
}
