import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";

/** Manufacturers whose devices may enrol, as PostgreSQL keeps them: which credentials they are, and what they were asked to sign. */
export const manufacturersIn = (unit: Unit) => {
  const org = uuidOf(unit.scope.org);
  const print = (sha256: string): Uint8Array => unit.scope.index("manufacturer", sha256);
  return {
    /** Oldest first; those that were revoked among them. */
    async of(product: Id<"product"> | undefined): Promise<readonly Id<"key">[]> {
      const rows = await unit.query<{ credential: string }>(
        `select m.credential from manufacturer m join credential c on c.org = m.org and c.id = m.credential
          where $1::uuid is null or m.product = $1 order by c.created_at, c.id`,
        [product ? uuidOf(product) : null],
      );
      return rows.map(({ credential }) => idFrom("key", credential));
    },

    async add(credential: Id<"key">, product: Id<"product">): Promise<void> {
      await unit.query("insert into manufacturer (org, credential, product) values ($1, $2, $3)", [
        org,
        uuidOf(credential),
        uuidOf(product),
      ]);
    },

    /** What somebody is to sign with the key of this certificate, until then. What nobody signed in time goes. */
    async ask(nonce: Uint8Array, sha256: string, expiresAt: Instant): Promise<void> {
      await unit.query("delete from manufacturer_nonce where expires_at <= $1", [unit.at]);
      await unit.query("insert into manufacturer_nonce (org, nonce, print, expires_at) values ($1, $2, $3, $4)", [
        org,
        nonce,
        print(sha256),
        expiresAt,
      ]);
    },

    /** Whether that was asked of this certificate and waits for an answer; then it waits no more. */
    async answered(nonce: Uint8Array, sha256: string): Promise<boolean> {
      const rows = await unit.query(
        "delete from manufacturer_nonce where nonce = $1 and print = $2 and expires_at > $3 returning 1",
        [nonce, print(sha256), unit.at],
      );
      return rows.length > 0;
    },
  };
};
