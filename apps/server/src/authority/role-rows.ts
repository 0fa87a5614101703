import { uuidOf, type Id } from "@holdfast/kernel";
import { formatGrant, parseGrants } from "@holdfast/protocol";
import type { Unit } from "../storage/index.ts";
import { authorityIn } from "./postgres.ts";
import { noRoles, type OwnRole, type RoleSet } from "./role.ts";
import type { OwnRoles } from "./roles.ts";

/** `since`: its place among revocations when it was changed last. */
type Kept = Omit<OwnRole, "grants"> & { readonly grants: readonly string[]; readonly since: number };

/** What revocations call a role: one that was narrowed or deleted is worth nothing as an older backup has it. */
export const markOf = (role: Id<"role">): string => `role/${role}`;

export const byId = ({ roles }: RoleSet): OwnRoles => new Map(roles.map((role) => [role.id, role]));

/** An organisation's own roles as PostgreSQL keeps them: all in one row, sealed. */
export const rolesIn = (unit: Unit) => {
  const { org } = unit.scope;
  const rowOf = (version: number) => `${org}|${version}`;
  const kept = async (): Promise<{ version: number; roles: readonly Kept[] } | undefined> => {
    const [row] = await unit.query<{ version: number; body: Uint8Array }>("select version, body from role_set", []);
    if (!row) return undefined;
    const plain = unit.scope.open("roles", rowOf(row.version), row.body);
    return { version: row.version, roles: JSON.parse(new TextDecoder().decode(plain)) as Kept[] }; // sealed by `save`
  };
  return {
    /** What was narrowed or deleted since, when this is an older backup of the database, holds nothing until somebody gives it again. */
    async all(): Promise<RoleSet> {
      const found = await kept();
      if (!found) return noRoles;
      const marks = new Map((await authorityIn(unit).revocations()).map(({ about, seq }) => [about, seq]));
      const roles = found.roles.map(({ since, grants, ...role }): OwnRole => {
        const isOver = (marks.get(markOf(role.id)) ?? 0) > since;
        return { ...role, grants: isOver ? [] : parseGrants(grants) };
      });
      return { version: found.version, roles };
    },

    async save(set: RoleSet): Promise<void> {
      const before = new Map((await kept())?.roles.map((role) => [role.id, role]));
      const since = await authorityIn(unit).nextSeq();
      const body: Kept[] = set.roles.map(({ grants, ...role }) => {
        const was = before.get(role.id);
        return was?.version === role.version ? was : { ...role, grants: grants.map(formatGrant), since };
      });
      const sealed = unit.scope.seal("roles", rowOf(set.version), new TextEncoder().encode(JSON.stringify(body)));
      await unit.query(
        `insert into role_set (org, version, body) values ($1, $2, $3)
         on conflict (org) do update set version = excluded.version, body = excluded.body`,
        [uuidOf(org), set.version, sealed],
      );
    },
  };
};
