import { associated, blindIndex, open, seal, unlessBroken } from "@holdfast/crypto";
import { idFrom, uuidOf, type Id, type Instant, type Random } from "@holdfast/kernel";
import { challengeSkew, type Challenge, type Passkey } from "../passkeys/index.ts";
import type { InstanceUnit, Keyring } from "../storage/index.ts";

/** The passkey of somebody with an account. */
export type PersonPasskey = Passkey & { readonly person: Id<"person"> };

/** It is hers alone. */
export const isUsable = ({ clonedAt }: Passkey): boolean => clonedAt === undefined;

type Row = {
  id: string;
  person: string;
  issued_seq: string;
  created_at: string;
  version: number;
  body: Uint8Array;
};
type Fixed = Pick<PersonPasskey, "id" | "person" | "issuedSeq" | "createdAt" | "version">;
/** What the row has no column for. */
type Body = Omit<PersonPasskey, keyof Fixed>;

const columns = "id, person, issued_seq, created_at, version, body";

/** Passkeys of people as PostgreSQL keeps them: whose each is, and since when, is readable; the rest is sealed. */
export const personPasskeysIn = (unit: InstanceUnit, { keys, random }: { keys: Keyring; random: Random }) => {
  const sealKey = keys.instanceKey("person-passkey");
  const indexOf = (credentialId: string) => blindIndex(keys.instanceKey("person-passkey/credential"), credentialId);
  const place = ({ id, person, issuedSeq, createdAt, version }: Fixed) =>
    associated({
      org: "instance",
      kind: "person-passkey",
      row: [id, person, issuedSeq, createdAt].join("|"),
      version,
    });
  const sealed = (passkey: PersonPasskey): Uint8Array => {
    const { id: _id, person: _person, issuedSeq: _seq, createdAt: _at, version: _version, ...body } = passkey;
    return seal(sealKey, place(passkey), new TextEncoder().encode(JSON.stringify(body)), random);
  };
  const passkeyOf = (row: Row): PersonPasskey => {
    const fixed: Fixed = {
      id: idFrom("passkey", row.id),
      person: idFrom("person", row.person),
      issuedSeq: Number(row.issued_seq),
      createdAt: Number(row.created_at) as Instant, // a bigint column of ours
      version: row.version,
    };
    const body = JSON.parse(new TextDecoder().decode(open(sealKey, place(fixed), row.body))) as Body; // sealed by `add` or `save`
    return { ...body, lastUsedAt: body.lastUsedAt, clonedAt: body.clonedAt, ...fixed };
  };
  return {
    /** Oldest first. */
    async of(person: Id<"person">): Promise<readonly PersonPasskey[]> {
      const rows = await unit.query<Row>(
        `select ${columns} from person_passkey where person = $1 order by created_at, id`,
        [uuidOf(person)],
      );
      return rows.map(passkeyOf);
    },

    /** Who has one that opens, of all people. */
    async everybody(): Promise<{ readonly people: readonly Id<"person">[]; readonly altered: number }> {
      const rows = await unit.query<Row>(`select ${columns} from person_passkey`, []);
      const all = rows.map((row) => unlessBroken(() => passkeyOf(row)));
      const people = all.flatMap((one) => (one && isUsable(one) ? [one.person] : []));
      return { people, altered: all.filter((one) => one === undefined).length };
    },

    async byCredential(credentialId: string): Promise<PersonPasskey | undefined> {
      const [row] = await unit.query<Row>(`select ${columns} from person_passkey where credential_index = $1`, [
        indexOf(credentialId),
      ]);
      return row && passkeyOf(row);
    },

    /** Nobody else changes it until the unit ends. */
    async take(id: Id<"passkey">): Promise<PersonPasskey | undefined> {
      const [row] = await unit.query<Row>(`select ${columns} from person_passkey where id = $1 for update`, [
        uuidOf(id),
      ]);
      return row && passkeyOf(row);
    },

    /** False when it is known here already. */
    async add(passkey: PersonPasskey): Promise<boolean> {
      const rows = await unit.query(
        `insert into person_passkey (id, person, credential_index, issued_seq, created_at, version, body)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (credential_index) do nothing returning 1`,
        [
          uuidOf(passkey.id),
          uuidOf(passkey.person),
          indexOf(passkey.credentialId),
          passkey.issuedSeq,
          passkey.createdAt,
          passkey.version,
          sealed(passkey),
        ],
      );
      return rows.length > 0;
    },

    async save(passkey: PersonPasskey): Promise<void> {
      await unit.query("update person_passkey set version = $2, body = $3 where id = $1", [
        uuidOf(passkey.id),
        passkey.version,
        sealed(passkey),
      ]);
    },

    async removeAllOf(person: Id<"person">): Promise<void> {
      await unit.query("delete from person_passkey where person = $1", [uuidOf(person)]);
    },

    async remove(id: Id<"passkey">): Promise<void> {
      await unit.query("delete from person_passkey where id = $1", [uuidOf(id)]);
    },
  };
};

/** False when it was answered before. Some of those that are over go. */
export async function spend(unit: InstanceUnit, { id, expiresAt }: Challenge<"person">): Promise<boolean> {
  await unit.query(
    `delete from person_challenge where id in
       (select id from person_challenge where expires_at <= $1 order by expires_at limit 100 for update skip locked)`,
    [unit.at - challengeSkew],
  );
  const rows = await unit.query(
    "insert into person_challenge (id, expires_at) values ($1, $2) on conflict (id) do nothing returning 1",
    [uuidOf(id), expiresAt],
  );
  return rows.length > 0;
}
