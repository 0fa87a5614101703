import { Refusal } from "@holdfast/kernel";
import { directoryFunctions, maintainFunctions } from "./functions.ts";
import { doors, type Door, type RoleNames } from "./roles.ts";
import type { Session } from "./session.ts";

/** The tables without rows of organisations. Every other table has `org` and row-level security. */
const instanceTables: readonly string[] = [
  "activation",
  "factor_reset",
  "account_link",
  "erased_org",
  "errand",
  "instance",
  "known_browser",
  "log_mark",
  "migration",
  "outbox",
  "person",
  "person_challenge",
  "person_factors",
  "person_passkey",
  "plan",
  "recovery_code",
  "session",
  "setup",
  "token_key",
];

/** What is written there stays as it was, whatever a verb may try. */
const appendOnlyTables: readonly string[] = ["audit"];

const rowPowers = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/** Exactly the listed functions, at every start: a grant that somebody added by hand is gone again. */
export async function grantFunctions(session: Session, names: RoleNames): Promise<void> {
  const schema = "all functions in schema holdfast";
  const list = (functions: readonly string[]) => functions.map((name) => `holdfast.${name}`).join(", ");
  await session.run(
    `begin; set local role ${names.owner};
     revoke all on ${schema} from public, ${doors.map((door) => names[door]).join(", ")};
     grant execute on function ${list(directoryFunctions)} to ${names.directory};
     grant execute on function ${list(maintainFunctions)} to ${names.maintain}; commit`,
  );
}

/**
 * Proves at start what the doors rely on, whoever made the database and whatever happened to it since.
 * @throws Refusal `storage.unsafe` that names every finding
 */
export async function inspect(session: Session, names: RoleNames): Promise<void> {
  const found = await Promise.all([
    settingsOf(session),
    rolesOf(session, names),
    tablesOf(session, names),
    policiesOf(session, names),
    grantsOf(session, names),
    functionsOf(session, names),
  ]);
  const findings = found.flat();
  if (findings.length > 0) throw new Refusal("storage.unsafe", { detail: findings.join(" ") });
}

async function settingsOf(session: Session): Promise<string[]> {
  const rows = await session.query<{ name: string; setting: string }>(
    "select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit')",
  );
  const preset = await session.query("select from pg_db_role_setting where setconfig::text like '%app.org%'");
  return [
    ...rows.filter(({ setting }) => setting === "off").map(({ name }) => `The setting ${name} is off.`),
    ...preset.map(() => "An organisation is preset by ALTER ROLE or ALTER DATABASE (app.org)."),
  ];
}

async function rolesOf(session: Session, names: RoleNames): Promise<string[]> {
  const all = Object.values(names);
  const [roles, memberships, owned, creators] = await Promise.all([
    session.query<{ rolname: string }>(
      `select rolname from pg_roles where rolname = any($1)
        and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)`,
      [all],
    ),
    session.query<{ member: string; role: string }>(
      `select member::regrole::text as member, roleid::regrole::text as role from pg_auth_members
        where member::regrole::text = any($1)`,
      [all],
    ),
    session.query<{ role: string }>(
      `select distinct refobjid::regrole::text as role from pg_shdepend
        where deptype = 'o' and refclassid = 'pg_authid'::regclass and refobjid::regrole::text = any($1)`,
      [doors.map((door) => names[door])],
    ),
    session.query<{ rolname: string }>(
      `select rolname from pg_roles where rolname = any($1)
        and (has_schema_privilege(oid, 'holdfast', 'create') or has_database_privilege(oid, current_database(), 'create'))`,
      [doors.map((door) => names[door])],
    ),
  ]);
  return [
    ...roles.map(({ rolname }) => `The role ${rolname} has powers over the server.`),
    ...memberships.map(({ member, role }) => `The role ${member} is a member of ${role}.`),
    ...owned.map(({ role }) => `The role ${role} owns something.`),
    ...creators.map(({ rolname }) => `The role ${rolname} may create things.`),
  ];
}

/** Everything in the schema that holds rows. A view would read with its owner's rights. */
async function tablesOf(session: Session, names: RoleNames): Promise<string[]> {
  const rows = await session.query<{ name: string; kind: string; org: boolean; forced: boolean; owner: string }>(
    `select c.oid::regclass::text as name, c.relkind as kind, c.relrowsecurity and c.relforcerowsecurity as forced,
        c.relowner::regrole::text as owner,
        exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org' and a.attnotnull and not a.attisdropped) as org
       from pg_class c where c.relkind in ('r', 'p', 'v', 'm', 'f') and (c.relnamespace = 'holdfast'::regnamespace
         or exists (select from pg_inherits i join pg_class p on p.oid = i.inhparent
           where i.inhrelid = c.oid and p.relnamespace = 'holdfast'::regnamespace))`,
  );
  return rows.flatMap(({ name, kind, org, forced, owner }) => {
    if (owner !== names.owner) return [`${name} belongs to ${owner}.`];
    if (kind !== "r" && kind !== "p") return [`${name} is a view or a foreign table.`];
    if (instanceTables.includes(name)) return [];
    if (!org) return [`The table ${name} has no organisation, and is not listed as one without.`];
    return forced ? [] : [`Row-level security is not forced on the table ${name}.`];
  });
}

/** Exactly one policy for the doors, one by which backups read, and such for functions of the owner as `functions_may` makes. */
async function policiesOf(session: Session, names: RoleNames): Promise<string[]> {
  type Row = {
    table: string;
    policies: {
      name: string;
      command: string;
      permissive: boolean;
      roles: string[];
      using: string | null;
      check: string | null;
    }[];
  };
  const rows = await session.query<Row>(
    `select c.relname as table, coalesce(jsonb_agg(jsonb_build_object(
        'name', p.polname, 'command', p.polcmd, 'permissive', p.polpermissive,
        'roles', (select array_agg(r::regrole::text order by r::regrole::text) from unnest(p.polroles) r),
        'using', pg_get_expr(p.polqual, c.oid), 'check', pg_get_expr(p.polwithcheck, c.oid)
      )) filter (where p.oid is not null), '[]') as policies
       from pg_class c left join pg_policy p on p.polrelid = c.oid
      where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p') and not c.relname = any($1)
      group by c.relname`,
    [instanceTables],
  );
  const bound = [names.app, names.ingest, names.owner].sort().join();
  return rows.flatMap(({ table, policies }) => {
    const ours = policies.filter(
      (policy) =>
        policy.name === "one_org" &&
        policy.command === "*" &&
        policy.permissive &&
        policy.roles.join() === bound &&
        isOurs(policy.using) &&
        isOurs(policy.check),
    );
    const read = policies.filter(
      (policy) =>
        policy.name === "backup_reads" &&
        policy.command === "r" &&
        policy.permissive &&
        policy.roles.join() === names.backup &&
        policy.using === "true",
    );
    const known = [...ours, ...read];
    const strange = policies.filter((policy) => !known.includes(policy) && policy.roles.join() !== names.owner);
    return [
      ...(read.length === 1 ? [] : [`Backups cannot read the table ${table}.`]),
      ...(ours.length === 1 ? [] : [`The policy of the table ${table} is not the one it was made with.`]),
      ...strange.map((policy) => `The table ${table} has a policy ${policy.name} that is not known.`),
    ];
  });
}

/** PostgreSQL prints an expression back with its own brackets and names. */
const isOurs = (expression: string | null): boolean =>
  expression
    ?.replaceAll(/[\s()]|ascurrent_setting|::text/gi, "")
    .replace(/ascurrent_setting$/i, "")
    .toLowerCase() === "org=selectcurrent_setting'app.org'::uuid";

/** Who may do what with tables, columns included: ours by anybody (`public` is a grantee too), and others' by our doors. */
async function grantsOf(session: Session, names: RoleNames): Promise<string[]> {
  const rows = await session.query<{ table: string; ours: boolean; grantee: string; privilege: string }>(
    `select c.oid::regclass::text as table, c.relnamespace = 'holdfast'::regnamespace as ours,
        case acl.grantee when 0 then 'public' else acl.grantee::regrole::text end as grantee, acl.privilege_type as privilege
       from pg_class c, lateral (
         select (aclexplode(c.relacl)).* union all
         select (aclexplode(a.attacl)).* from pg_attribute a where a.attrelid = c.oid and a.attacl is not null
       ) acl
      where c.relkind in ('r', 'p', 'v', 'm', 'f') and acl.grantee <> c.relowner
        and (c.relnamespace = 'holdfast'::regnamespace or acl.grantee::regrole::text = any($1))`,
    [Object.values(names)],
  );
  const unread = await session.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
      where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p', 'S') and not case c.relkind
        when 'S' then has_sequence_privilege($1, c.oid, 'select') else has_table_privilege($1, c.oid, 'select') end`,
    [names.backup],
  );
  const lacking = unread.map(({ name }) => `The role ${names.backup} may not read ${name}, so it is in no backup.`);
  const found = rows.flatMap(({ table, ours, grantee, privilege }) => {
    const door = doors.find((one) => names[one] === grantee);
    const isRight = ours && door !== undefined && powersOf(door, table).includes(privilege);
    return isRight ? [] : [`${grantee} has ${privilege} on the table ${table}.`];
  });
  return [...found, ...lacking];
}

/** What each door may have been granted at most. */
function powersOf(door: Door, table: string): readonly string[] {
  const isInstance = instanceTables.includes(table);
  switch (door) {
    case "app":
      return isInstance ? [] : appendOnlyTables.includes(table) ? ["SELECT", "INSERT"] : rowPowers;
    case "ingest":
      return isInstance ? [] : ["INSERT"];
    case "instance":
      return isInstance ? rowPowers : [];
    case "backup":
      return ["SELECT"];
    case "directory":
    case "maintain":
      return [];
  }
}

async function functionsOf(session: Session, names: RoleNames): Promise<string[]> {
  const rows = await session.query<{
    name: string;
    owner: string;
    definer: boolean;
    fixed: boolean;
    directory: boolean;
    maintain: boolean;
    others: boolean;
  }>(
    `select p.proname as name, p.prosecdef as definer, p.proowner::regrole::text as owner,
        'search_path=holdfast, pg_temp' = any(coalesce(p.proconfig, '{}')) as fixed,
        has_function_privilege($1, p.oid, 'execute') as directory,
        has_function_privilege($2, p.oid, 'execute') as maintain,
        exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
          where acl.grantee not in (p.proowner, $1::regrole, $2::regrole)) as others
       from pg_proc p where p.pronamespace = 'holdfast'::regnamespace`,
    [names.directory, names.maintain],
  );
  return rows.flatMap(({ name, owner, definer, fixed, directory, maintain, others }) => [
    ...(owner === names.owner ? [] : [`The function ${name} belongs to ${owner}.`]),
    ...(definer && !fixed ? [`The function ${name} has no fixed search_path.`] : []),
    ...(others ? [`The function ${name} may be called by others.`] : []),
    ...(directory !== isListed(directoryFunctions, name) || maintain !== isListed(maintainFunctions, name)
      ? [`The function ${name} is not granted as listed.`]
      : []),
  ]);
}

const isListed = (list: readonly string[], name: string): boolean => list.includes(name);
