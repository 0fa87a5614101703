import { Refusal, type Random } from "@holdfast/kernel";
import { QueryFailed } from "./failure.ts";
import type { Keyring } from "./keyring/index.ts";
import { scramVerifier } from "./scram.ts";
import type { Session } from "./session.ts";

/** The ways in that a server keeps open. */
export const openDoors = ["app", "directory", "instance", "ingest", "maintain"] as const;
export type OpenDoor = (typeof openDoors)[number];

/** All ways in: each is a PostgreSQL role that can sign in, and can do what its migrations granted, and nothing else. By `backup` comes whoever makes one. */
export const doors = [...openDoors, "backup"] as const;
export type Door = (typeof doors)[number];

/** `owner` cannot sign in: it owns the schema, and its functions run as it. The account of the URL acts as it at start. */
export type RoleNames = Readonly<Record<Door | "owner", string>>;

/** Eight digits of the instance's id, so that several instances can share a server, on which roles belong to all databases. */
export function roleNames(instance: string): RoleNames {
  const name = (role: string) => `holdfast_${instance.slice(0, 8)}_${role}`;
  return {
    owner: name("owner"),
    app: name("app"),
    directory: name("directory"),
    instance: name("instance"),
    ingest: name("ingest"),
    maintain: name("maintain"),
    backup: name("backup"),
  };
}

export const passwordOf = (keyring: Keyring, door: Door): string => keyring.instanceKey(`database/${door}`).toHex();

type Needs = {
  readonly session: Session;
  readonly names: RoleNames;
  readonly keyring: Keyring;
  readonly random: Random;
};

/**
 * Makes the roles that are missing, and the schema.
 * @throws Refusal `storage.roles` with the SQL for an administrator, where the account may not
 */
export async function ensureRoles({ session, names, keyring, random }: Needs): Promise<void> {
  const there = await session.query<{ rolname: string }>("select rolname from pg_roles where rolname = any($1)", [
    Object.values(names),
  ]);
  const known = new Set(there.map(({ rolname }) => rolname));
  const [schema] = await session.query("select from pg_namespace where nspname = 'holdfast'");
  const [version] = await session.query<{ number: number }>(
    "select current_setting('server_version_num')::integer as number",
  );
  const [member] = await session.query("select from pg_roles where rolname = $1 and pg_has_role(oid, 'usage')", [
    names.owner,
  ]);

  const steps: string[] = [];
  if (!known.has(names.owner)) steps.push(`create role ${names.owner} nologin noinherit`);
  // Since PostgreSQL 16 being a member is one thing, acting as the role and having its rights are two others.
  const how = (version?.number ?? 0) >= 160_000 ? " with inherit true, set true" : "";
  if (!member) steps.push(`grant ${names.owner} to current_user${how}`);
  for (const door of doors) {
    if (known.has(names[door])) continue;
    const verifier = scramVerifier(passwordOf(keyring, door), random.bytes(16));
    steps.push(`create role ${names[door]} login noinherit password '${verifier}'`);
    steps.push(`alter role ${names[door]} set search_path = holdfast, pg_temp`);
  }
  if (!schema) steps.push(`create schema holdfast authorization ${names.owner}`);
  await runOrPrint(session, steps);
}

/** After a sign-in failed: the role was there before, with another password. */
export async function resetPassword(needs: Needs, door: Door): Promise<void> {
  const verifier = scramVerifier(passwordOf(needs.keyring, door), needs.random.bytes(16));
  await runOrPrint(needs.session, [`alter role ${needs.names[door]} login password '${verifier}'`]);
}

/** In one transaction, so that what an administrator is asked for is all that is missing. */
async function runOrPrint(session: Session, steps: readonly string[]): Promise<void> {
  if (steps.length === 0) return;
  try {
    await session.run(`begin; ${steps.join("; ")}; commit`);
  } catch (cause) {
    await session.run("rollback");
    if (!(cause instanceof QueryFailed) || !/^42501|^0LP01/.test(cause.code)) throw cause;
    const [row] = await session.query<{ name: string }>("select quote_ident(current_user) as name");
    // An administrator's `current_user` is another one. The verifiers lead to no password.
    const sql = steps.map((step) => `${step.replaceAll("current_user", row?.name ?? "current_user")};`).join("\n");
    throw new Refusal("storage.roles", { cause, detail: `\n${sql}` });
  }
}
