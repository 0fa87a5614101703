import { isId, newId, Refusal, type Fault, type Id, type Instant, type Random } from "@holdfast/kernel";
import {
  actions,
  allActions,
  formatGrant,
  instanceActions,
  isBuiltIn,
  mostGrantsInRole,
  parseGrant,
  type Grant,
} from "@holdfast/protocol";
import { longestGrants } from "./heritage.ts";

/** What is said of a role: by whoever writes one, and in a file of them. */
export type Written = { readonly name: string; readonly description: string; readonly grants: readonly Grant[] };

/** A role of an organisation's own: a named set of grants, which its people get with it. */
export type OwnRole = Written & {
  readonly id: Id<"role">;
  readonly createdAt: Instant;
  /** Of the set in which it was changed last. */
  readonly version: number;
};

/** All of an organisation's own, by their names. They are kept as one, so that a file of them is applied whole or not at all. */
export type RoleSet = { readonly version: number; readonly roles: readonly OwnRole[] };

export const noRoles: RoleSet = { version: 0, roles: [] };

/** How one set becomes another. */
export type Difference = {
  readonly added: readonly OwnRole[];
  readonly removed: readonly OwnRole[];
  readonly changed: readonly { readonly before: OwnRole; readonly after: OwnRole }[];
};

const mostRoles = 64;
/** As a file, so that what is exported can be applied: a request of management has a quarter of a mebibyte at most. */
const mostBytes = 200_000;

/**
 * As they are kept: each once, in one order, and none that could never hold. A wildcard stands for what has a meaning there:
 * `device.*:tag:a=b` is without device.create, which no device is asked about.
 * @throws Refusal `grant.malformed`
 */
export function readGrants(texts: readonly string[], path = "grants"): readonly Grant[] {
  const faults: Fault[] = [];
  const grants = texts.flatMap((text) => {
    try {
      const meant = parseGrant(text).filter(hasMeaning);
      if (meant.length === 0) faults.push({ path, message: `${JSON.stringify(text.slice(0, 80))} would never hold` });
      return meant;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      faults.push(...error.faults.map(({ message }) => ({ path, message }))); // told with all the others
      return [];
    }
  });
  if (faults.length > 0) throw new Refusal("grant.malformed", { faults: faults.slice(0, 16) });
  const byText = new Map(grants.map((grant) => [formatGrant(grant), grant]));
  const sorted = [...byText].toSorted(([a, one], [b, other]) => rank(one) - rank(other) || (a < b ? -1 : 1));
  const length = sorted.reduce((sum, [text]) => sum + Buffer.byteLength(text) + 3, 0);
  if (sorted.length > mostGrantsInRole || length > longestGrants) {
    throw new Refusal("grant.malformed", {
      detail: `These are ${sorted.length} grants of ${length} bytes; a role has ${mostGrantsInRole} and ${longestGrants} at most. Name an application or a tag instead of many devices.`,
    });
  }
  return sorted.map(([, grant]) => grant);
}

const rank = ({ action }: Grant): number => allActions.indexOf(action);

/** No organisation lets do what is the instance's, and about an organisation or a product only everywhere is a place. */
function hasMeaning({ action, where }: Grant): boolean {
  if (instanceActions.includes(action)) return false;
  if ("all" in where) return true;
  switch (actions[action]) {
    case "device":
      return true;
    case "application":
      return "application" in where;
    case "org":
    case "product":
    case "dashboard":
      return false;
  }
}

/** One spelling per name, so that two that look alike are one. */
export const normalName = (name: string): string => name.normalize("NFKC").trim().toLowerCase();

/** In the order in which they are shown and exported. */
const byName = (a: Written, b: Written): number => (normalName(a.name) < normalName(b.name) ? -1 : 1);

/** @throws Refusal `role.nameTaken`, `role.tooMany` */
export function setOf(version: number, roles: readonly OwnRole[]): RoleSet {
  const seen = new Set<string>();
  const faults: Fault[] = [];
  for (const { name } of roles) {
    const normal = normalName(name);
    if (seen.has(normal) || isBuiltIn(normal) || isId("role", normal)) faults.push({ path: "name", message: name });
    seen.add(normal);
  }
  if (faults.length > 0) throw new Refusal("role.nameTaken", { faults: faults.slice(0, 16) });
  const set = { version, roles: roles.toSorted(byName) };
  if (roles.length > mostRoles || Buffer.byteLength(JSON.stringify(writtenOf(set))) > mostBytes)
    throw new Refusal("role.tooMany");
  return set;
}

/** The file of them: nothing in it changes unless a role does. */
export const writtenOf = ({ roles }: Pick<RoleSet, "roles">) =>
  roles.map(({ name, description, grants }) => ({ name, description, grants: grants.map(formatGrant) }));

type Making = { readonly at: Instant; readonly random: Random };

/** @throws Refusal as `setOf` */
export const withRole = (set: RoleSet, written: Written, { at, random }: Making): RoleSet =>
  setOf(set.version + 1, [
    ...set.roles,
    { id: newId("role", random), ...written, createdAt: at, version: set.version + 1 },
  ]);

/** @throws Refusal as `setOf` */
export const withChange = (set: RoleSet, id: Id<"role">, change: Partial<Written>): RoleSet =>
  setOf(
    set.version + 1,
    set.roles.map((role) => (role.id === id ? { ...role, ...change, version: set.version + 1 } : role)),
  );

export const without = (set: RoleSet, id: Id<"role">): RoleSet =>
  setOf(
    set.version + 1,
    set.roles.filter((role) => role.id !== id),
  );

/** What the file says, and nothing else. One of the same name stays the same role. @throws Refusal as `setOf` */
export function ofFile(set: RoleSet, file: readonly Written[], { at, random }: Making): RoleSet {
  const version = set.version + 1;
  const there = new Map(set.roles.map((role) => [normalName(role.name), role]));
  return setOf(
    version,
    file.map((written): OwnRole => {
      const before = there.get(normalName(written.name));
      if (!before) return { id: newId("role", random), ...written, createdAt: at, version };
      return isSame(before, written) ? before : { ...before, ...written, version };
    }),
  );
}

const isSame = (a: Written, b: Written): boolean =>
  a.name === b.name && a.description === b.description && textOf(a) === textOf(b);

const textOf = ({ grants }: Written): string => grants.map(formatGrant).join("\n");

export function differenceOf(before: RoleSet, after: RoleSet): Difference {
  const [old, now] = [before, after].map(({ roles }) => new Map(roles.map((role) => [role.id, role])));
  const changed = after.roles.flatMap((role) => {
    const was = old?.get(role.id);
    return was && !isSame(was, role) ? [{ before: was, after: role }] : [];
  });
  return {
    added: after.roles.filter(({ id }) => !old?.has(id)),
    removed: before.roles.filter(({ id }) => !now?.has(id)),
    changed,
  };
}

/** Grants of the second that are not in the first, as they are written. */
export const newIn = (before: Pick<Written, "grants">, after: Pick<Written, "grants">): readonly Grant[] => {
  const there = new Set(before.grants.map(formatGrant));
  return after.grants.filter((grant) => !there.has(formatGrant(grant)));
};
