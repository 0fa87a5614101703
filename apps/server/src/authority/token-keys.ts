import { idFrom, isId, uuidOf, type Id, type Random } from "@holdfast/kernel";
import { newKid, type TokenClaims } from "@holdfast/crypto";
import { formatGrant } from "@holdfast/protocol";
import type { InstanceUnit, OrgScope, Storage } from "../storage/index.ts";
import type { Credential } from "./credential.ts";

/** Which organisation's key opens a token: looked up in memory only, so that a guess costs the platform nothing. */
export class TokenKeys {
  readonly #needs: { storage: Storage; random: Random };
  readonly #orgOf: Map<string, Id<"org">>;
  readonly #kidOf = new Map<Id<"org">, string>();

  private constructor(needs: { storage: Storage; random: Random }, rows: readonly { kid: string; org: Id<"org"> }[]) {
    this.#needs = needs;
    this.#orgOf = new Map(rows.map(({ kid, org }) => [kid, org]));
    for (const { kid, org } of rows) this.#kidOf.set(org, kid);
  }

  static async load(needs: { storage: Storage; random: Random }): Promise<TokenKeys> {
    const rows = await needs.storage.instance.read((unit) => tokenKeysIn(unit).all());
    return new TokenKeys(needs, rows);
  }

  orgOf(kid: string): Id<"org"> | undefined {
    return this.#orgOf.get(kid);
  }

  /** The newest key of the organisation; made at the first need. */
  async kidFor(org: Id<"org">): Promise<string> {
    const there = this.#kidOf.get(org);
    if (there) return there;
    const kid = newKid(this.#needs.random);
    await this.#needs.storage.instance.change((unit) => tokenKeysIn(unit).add(kid, org));
    this.#orgOf.set(kid, org);
    this.#kidOf.set(org, kid);
    return kid;
  }

  keyFor(scope: OrgScope, kid: string): Uint8Array {
    return scope.derive(`token/${kid}`);
  }
}

/** What a token says of its credential, whichever of its secrets it holds. @throws TypeError for a key */
export function claimsOf(credential: Credential, org: Id<"org">, nonce: string): TokenClaims {
  const { id, expiresAt, createdAt, issuedSeq, grants, conditions } = credential;
  if (!isId("token", id)) throw new TypeError("only a token holds its own claims");
  return {
    jti: id,
    org,
    iat: Math.floor(createdAt / 1_000),
    ...(expiresAt !== undefined && { exp: Math.floor(expiresAt / 1_000) }),
    seq: issuedSeq,
    nonce,
    grants: grants.map(formatGrant),
    ...(conditions && { conditions }),
  };
}

const tokenKeysIn = (unit: InstanceUnit) => ({
  async all(): Promise<readonly { kid: string; org: Id<"org"> }[]> {
    const rows = await unit.query<{ kid: string; org: string }>(
      "select kid, org from token_key order by created_at",
      [],
    );
    return rows.map(({ kid, org }) => ({ kid, org: idFrom("org", org) }));
  },
  async add(kid: string, org: Id<"org">): Promise<void> {
    await unit.query("insert into token_key (kid, org, kind, created_at) values ($1, $2, 'apiToken', $3)", [
      kid,
      uuidOf(org),
      unit.at,
    ]);
  },
});
