import { idFrom, uuidOf, type CredentialId, type Id, type Instant } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import { issuerOf, type Issued, type Issuer } from "./issuer.ts";

/** A certificate that was issued, as it is kept. */
export type IssuedCertificate = Omit<Issued, "keySince"> & {
  readonly notBefore: Instant;
  readonly certificate: string;
};

/** A certificate that is good for nothing, though its end is yet to come. */
export type Ended = { readonly serial: string; readonly since: Instant };

type Row = { authority: string; serial: Uint8Array; not_before: string; not_after: string; body: Uint8Array };

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Authorities of an organisation's own and what they issued, as PostgreSQL keeps them: numbers and dates are readable, the rest is sealed. */
export const issuersIn = (unit: Unit) => {
  const { scope } = unit;
  const rowOf = ({ by, serial }: Pick<Issued, "by" | "serial">) => `${by}|${serial}`;
  return {
    /** Oldest first. */
    async all(): Promise<readonly Issuer[]> {
      const rows = await unit.query<{ id: string; body: Uint8Array }>(
        "select id, body from certificate_authority order by created_at, id",
        [],
      );
      return rows.map(({ id, body }) => {
        const named = idFrom("certificateAuthority", id);
        return issuerOf(named, decode(scope.open("certificateAuthority", named, body)));
      });
    },

    /** Its private key (PKCS #8, PEM). */
    async keyOf(id: Id<"certificateAuthority">): Promise<string> {
      const [row] = await unit.query<{ key: Uint8Array }>("select key from certificate_authority where id = $1", [
        uuidOf(id),
      ]);
      if (!row) throw new Error("an authority without a key was asked to sign");
      return decode(scope.open("certificateAuthorityKey", id, row.key));
    },

    async add({ id, certificate }: Pick<Issuer, "id" | "certificate">, key: string): Promise<void> {
      await unit.query(
        "insert into certificate_authority (org, id, created_at, body, key) values ($1, $2, $3, $4, $5)",
        [
          uuidOf(scope.org),
          uuidOf(id),
          unit.at,
          scope.seal("certificateAuthority", id, encode(certificate)),
          scope.seal("certificateAuthorityKey", id, encode(key)),
        ],
      );
    },

    /** With its key, and what it issued. */
    async remove(id: Id<"certificateAuthority">): Promise<void> {
      await unit.query("delete from certificate_authority where id = $1", [uuidOf(id)]);
    },

    /** A credential has two at most: what is over by a third goes. */
    async replaced(credential: CredentialId, present: string, goes: "this one" | "all but this one"): Promise<void> {
      await unit.query("delete from issued_certificate where credential = $1 and (serial = $2) = $3", [
        uuidOf(credential),
        Uint8Array.fromHex(present),
        goes === "this one",
      ]);
    },

    async addIssued(credential: CredentialId, issued: IssuedCertificate): Promise<void> {
      await unit.query(
        `insert into issued_certificate (org, authority, serial, credential, not_before, not_after, body)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [
          uuidOf(scope.org),
          uuidOf(issued.by),
          Uint8Array.fromHex(issued.serial),
          uuidOf(credential),
          issued.notBefore,
          issued.notAfter,
          scope.seal("issuedCertificate", rowOf(issued), encode(issued.certificate)),
        ],
      );
    },

    /** Those of an authority that went before their end, and that end is yet to come. */
    async gone(by: Id<"certificateAuthority">): Promise<readonly Ended[]> {
      const rows = await unit.query<{ serial: Uint8Array; ended_at: string }>(
        "select serial, ended_at from ended_certificate where authority = $1 and not_after > $2 order by serial",
        [uuidOf(by), unit.at],
      );
      return rows.map(({ serial, ended_at }) => ({ serial: serial.toHex(), since: Number(ended_at) as Instant })); // a bigint column of ours
    },

    /** Those that are there and not over, by the credential that each is shown for. */
    async present(by: Id<"certificateAuthority">): Promise<readonly { serial: string; credential: Id<"key"> }[]> {
      const rows = await unit.query<{ serial: Uint8Array; credential: string }>(
        "select serial, credential from issued_certificate where authority = $1 and not_after > $2 order by serial",
        [uuidOf(by), unit.at],
      );
      return rows.map(({ serial, credential }) => ({ serial: serial.toHex(), credential: idFrom("key", credential) }));
    },

    /** Newest first, without those that are over. */
    async issuedFor(credential: CredentialId): Promise<readonly IssuedCertificate[]> {
      const rows = await unit.query<Row>(
        `select authority, serial, not_before, not_after, body from issued_certificate
          where credential = $1 and not_after > $2 order by not_before desc, serial`,
        [uuidOf(credential), unit.at],
      );
      return rows.map(({ authority, serial, not_before, not_after, body }) => {
        const one = { by: idFrom("certificateAuthority", authority), serial: serial.toHex() };
        return {
          ...one,
          notBefore: Number(not_before) as Instant, // a bigint column of ours
          notAfter: Number(not_after) as Instant,
          certificate: decode(scope.open("issuedCertificate", rowOf(one), body)),
        };
      });
    },
  };
};
