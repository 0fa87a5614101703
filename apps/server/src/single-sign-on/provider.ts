import type { Id, Instant } from "@holdfast/kernel";
import type { Role } from "@holdfast/protocol";

/** What people become by what a claim says of them: the first that they have decides. */
export type RoleMap = {
  readonly claim: string;
  readonly map: readonly { readonly value: string; readonly role: Role }[];
};

/** What a provider says of whoever showed it a second factor (RFC 8176). */
type SecondFactor = { readonly amr?: readonly string[] | undefined; readonly acr?: readonly string[] | undefined };

/** Who signs people in to an organisation, and what it says that is heeded. */
export type Provider = {
  readonly id: Id<"provider">;
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly hasSecret: boolean;
  /** Beside `openid`. */
  readonly scopes: readonly string[];
  readonly isEnabled: boolean;
  /** What the organisation is called at the sign-in page. */
  readonly shortName: string | undefined;
  /** As what whoever comes for the first time becomes a member. */
  readonly joins: Role | undefined;
  readonly roles: RoleMap | undefined;
  readonly secondFactor: SecondFactor | undefined;
  /** Who said last what people become: nobody becomes more than she may give. */
  readonly madeBy: Id<"person">;
  readonly createdAt: Instant;
  /** Its place among revocations: what ended it later ended it, whatever an older backup of the database says. */
  readonly since: number;
  readonly version: number;
};

type Change = {
  readonly [K in "name" | "issuer" | "clientId" | "scopes" | "isEnabled"]?: Provider[K] | undefined;
} & {
  /** Null takes it away. */
  readonly [K in "shortName" | "joins" | "roles" | "secondFactor"]?: Provider[K] | null;
} & { readonly hasSecret?: boolean };

export const withChange = (before: Provider, change: Change): Provider => ({
  ...before,
  name: change.name ?? before.name,
  issuer: change.issuer ?? before.issuer,
  clientId: change.clientId ?? before.clientId,
  hasSecret: change.hasSecret ?? before.hasSecret,
  scopes: change.scopes ?? before.scopes,
  isEnabled: change.isEnabled ?? before.isEnabled,
  shortName: change.shortName === null ? undefined : (change.shortName ?? before.shortName),
  joins: change.joins === null ? undefined : (change.joins ?? before.joins),
  roles: change.roles === null ? undefined : (change.roles ?? before.roles),
  secondFactor: change.secondFactor === null ? undefined : (change.secondFactor ?? before.secondFactor),
  version: before.version + 1,
});

/** Whether it is another one now: who came by it before may be somebody else there. */
export const isAnother = (before: Provider, after: Provider): boolean =>
  before.issuer !== after.issuer || before.clientId !== after.clientId;

/** Whether people come by it no more, or may get less by it: then they sign in anew. */
export const narrows = (before: Provider, after: Provider): boolean =>
  isAnother(before, after) ||
  (before.isEnabled && !after.isEnabled) ||
  !isSame(before.secondFactor, after.secondFactor) ||
  (before.joins !== undefined && before.joins !== after.joins) ||
  (before.roles !== undefined && !keeps(before.roles, after.roles));

/** Whether it says anew what people become. */
export const isAboutRoles = (before: Provider, after: Provider): boolean =>
  before.joins !== after.joins || !isSame(before.roles, after.roles);

/** What it was, with more behind it. */
const keeps = (before: RoleMap, after: RoleMap | undefined): boolean =>
  before.claim === after?.claim && isSame(before.map, after.map.slice(0, before.map.length));

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Every role that it may give. */
export const rolesIn = ({ joins, roles }: Pick<Provider, "joins" | "roles">): readonly Role[] => [
  ...new Set([...(joins === undefined ? [] : [joins]), ...(roles?.map.map(({ role }) => role) ?? [])]),
];

export type Claims = Readonly<Record<string, unknown>>;

/** What a claim says, if it says texts. One may stand inside others, and then has dots; and one may have dots itself. */
function valuesOf(claims: Claims, name: string): readonly string[] {
  const found = Object.hasOwn(claims, name) ? claims[name] : inside(claims, name.split("."));
  return [found].flat().filter((value) => typeof value === "string");
}

function inside(claims: Claims, path: readonly string[]): unknown {
  let at: unknown = claims;
  for (const name of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Claims)[name]; // an object, of which it is a name
  }
  return at;
}

/** As what the claims let somebody come: a role; the one that she has, where nothing is said of roles; or not at all. */
export function roleBy(
  { joins, roles }: Pick<Provider, "joins" | "roles">,
  claims: Claims,
): Role | "asBefore" | undefined {
  if (!roles) return joins === undefined ? "asBefore" : joins;
  const values = new Set(valuesOf(claims, roles.claim));
  return roles.map.find(({ value }) => values.has(value))?.role ?? joins;
}

/** Whether the provider says that she showed more than one thing, as far as the organisation believes it. */
export function showedSecondFactor({ secondFactor }: Pick<Provider, "secondFactor">, claims: Claims): boolean {
  const said = (name: "amr" | "acr") => valuesOf(claims, name).some((value) => secondFactor?.[name]?.includes(value));
  return secondFactor !== undefined && (said("amr") || said("acr"));
}

/**
 * Whether the provider says that she reads what is sent to the e-mail that it says; `undefined` where it leaves that out, which is no word. Entra
 * ID has no `email_verified` and says, where it was set up to, whether the owner of the domain is known to it (`xms_edov`), as a number or a
 * text in some of its tokens.
 */
export function saysVerified({ email_verified: verified, xms_edov: isOfOwner }: Claims): boolean | undefined {
  if (verified !== undefined) return verified === true;
  return isOfOwner === undefined ? undefined : [true, 1, "1", "true"].some((yes) => isOfOwner === yes);
}
