import { associated, blindIndex, open, seal } from "@holdfast/crypto";
import { idFrom, Refusal, uuidOf, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Role } from "@holdfast/protocol";
import type { After, InstanceUnit, Keyring, Unit } from "../storage/index.ts";
import type { Invitation } from "./invitation.ts";
import { normalEmail, type Person } from "./person.ts";

type PersonRow = { id: string; version: number; body: Uint8Array };

/** People belong to no organisation: their rows are sealed under the instance's key, and found by a keyed digest of the e-mail. */
export const peopleIn = (unit: InstanceUnit, needs: { keys: Keyring; random: Random }) => {
  const sealKey = needs.keys.instanceKey("person");
  const indexKey = needs.keys.instanceKey("person/email");
  const indexOf = (email: string) => blindIndex(indexKey, normalEmail(email));
  const indexIn = ({ email, isBrought }: Person) => (isBrought ? null : indexOf(email));
  const place = (id: Id<"person">, version: number) =>
    associated({ org: "instance", kind: "person", row: id, version });
  const sealed = (person: Person, version: number) =>
    seal(
      sealKey,
      place(person.id, version),
      new TextEncoder().encode(JSON.stringify({ ...person, version })),
      needs.random,
    );
  const personOf = (row: PersonRow): Person => {
    const id = idFrom("person", row.id);
    return JSON.parse(new TextDecoder().decode(open(sealKey, place(id, row.version), row.body))) as Person; // by `sealed`
  };
  const seqIn = (row: PersonRow): number | undefined => {
    try {
      return personOf(row).passwordSeq ?? 0;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return undefined;
    }
  };
  const nobodyElseHas = async ({ id, email }: Person): Promise<boolean> => {
    const rows = await unit.query("select 1 from person where email_index = $1 and id <> $2", [
      indexOf(email),
      uuidOf(id),
    ]);
    return rows.length === 0;
  };
  return {
    async byEmail(email: string): Promise<Person | undefined> {
      const [row] = await unit.query<PersonRow>("select id, version, body from person where email_index = $1", [
        indexOf(email),
      ]);
      return row && personOf(row);
    },

    async find(id: Id<"person">): Promise<Person | undefined> {
      return (await this.all([id])).get(id);
    },

    /** For whoever is signed in. @throws Refusal `credential.invalid` when she is gone */
    async herself(id: Id<"person">): Promise<Person> {
      const person = await this.find(id);
      if (!person) throw new Refusal("credential.invalid");
      return person;
    },

    async all(ids: readonly Id<"person">[]): Promise<ReadonlyMap<Id<"person">, Person>> {
      const rows = await unit.query<PersonRow>("select id, version, body from person where id = any($1::uuid[])", [
        ids.map(uuidOf),
      ]);
      return new Map(rows.map((row) => [idFrom("person", row.id), personOf(row)]));
    },

    /** Whose password has which place; none of whoever's row was altered. */
    async passwordSeqs(): Promise<ReadonlyMap<Id<"person">, number | undefined>> {
      const seqs = new Map<Id<"person">, number | undefined>();
      let last = "00000000-0000-0000-0000-000000000000";
      for (;;) {
        const rows = await unit.query<PersonRow>(
          "select id, version, body from person where id > $1 order by id limit 500",
          [last],
        );
        for (const row of rows) seqs.set(idFrom("person", row.id), seqIn(row));
        const end = rows.at(-1);
        if (!end) return seqs;
        last = end.id;
      }
    },

    /** Oldest first, after the cursor. */
    async page(after: After | undefined, most: number): Promise<readonly Person[]> {
      const rows = await unit.query<PersonRow>(
        `select id, version, body from person
          where $1::bigint is null or (created_at, id) > ($1, $2::uuid) order by created_at, id limit $3`,
        [after?.at ?? null, after?.id ?? null, most],
      );
      return rows.map(personOf);
    },

    async any(): Promise<boolean> {
      const rows = await unit.query("select 1 from person limit 1", []);
      return rows.length > 0;
    },

    /** Only while there is no organisation. */
    async removeAll(): Promise<void> {
      await unit.query("delete from person", []);
    },

    /** Only while she has no membership. */
    async remove(id: Id<"person">): Promise<void> {
      await unit.query("delete from person where id = $1", [uuidOf(id)]);
    },

    /** False when somebody has that e-mail already. */
    async add(person: Person): Promise<boolean> {
      const rows = await unit.query(
        `insert into person (id, email_index, version, body, created_at) values ($1, $2, 1, $3, $4)
         on conflict (email_index) do nothing returning 1`,
        [uuidOf(person.id), indexIn(person), sealed(person, 1), person.createdAt],
      );
      return rows.length > 0;
    },

    /** In place of what was read. @throws Refusal `email.taken`; `request.conflict` where somebody changed her meanwhile */
    async save(person: Person): Promise<void> {
      const { id, isBrought, version = 0 } = person;
      if (!isBrought && !(await nobodyElseHas(person))) throw new Refusal("email.taken");
      const rows = await unit.query(
        "update person set email_index = $3, version = $4, body = $5 where id = $1 and version = $2 returning 1",
        [uuidOf(id), version, indexIn(person), version + 1, sealed(person, version + 1)],
      );
      if (rows.length === 0) throw new Refusal("request.conflict");
    },
  };
};

/** A place among revocations, of what belongs to no organisation. */
export async function nextSeqIn(unit: InstanceUnit): Promise<number> {
  const [row] = await unit.query<{ seq: string }>("select nextval('revocation_seq') as seq", []);
  if (!row) throw new Error("a sequence answered nothing");
  return Number(row.seq);
}

type InvitationRow = {
  id: string;
  digest: Uint8Array;
  mailed_digest: Uint8Array | null;
  email_index: Uint8Array;
  invited_by: string;
  issued_seq: string;
  created_at: string;
  expires_at: string;
  body: Uint8Array;
};

const invitationColumns =
  "id, digest, mailed_digest, email_index, invited_by, issued_seq, created_at, expires_at, body";

/** Who was invited and has not come yet. What is sealed belongs to the columns beside it. */
export const invitationsIn = (unit: Unit) => {
  const indexOf = (email: string) => unit.scope.index("invitation/email", normalEmail(email));
  const rowOf = (
    { id, digest, mailedDigest, email, invitedBy, issuedSeq, createdAt, expiresAt }: Invitation,
    index = indexOf(email),
  ) => {
    const first = [id, digest.toHex(), index.toHex(), invitedBy, issuedSeq, createdAt, expiresAt];
    return [...first, ...(mailedDigest ? [mailedDigest.toHex()] : [])].join("|"); // rows of before were not mailed
  };
  const invitationOf = (row: InvitationRow): Invitation => {
    const half: Invitation = {
      id: idFrom("invitation", row.id),
      email: "",
      role: "viewer",
      invitedBy: idFrom("person", row.invited_by),
      issuedSeq: Number(row.issued_seq),
      createdAt: Number(row.created_at) as Instant, // bigint columns of ours
      expiresAt: Number(row.expires_at) as Instant,
      digest: row.digest,
      mailedDigest: row.mailed_digest ?? undefined,
    };
    const plain = unit.scope.open("invitation", rowOf(half, row.email_index), row.body);
    const body = JSON.parse(new TextDecoder().decode(plain)) as { email: string; role: Role }; // sealed by `add`
    return { ...half, ...body };
  };
  const removed = async (where: string, value: unknown): Promise<readonly Id<"invitation">[]> => {
    const rows = await unit.query<{ id: string }>(`delete from invitation where ${where} = $1 returning id`, [value]);
    return rows.map(({ id }) => idFrom("invitation", id));
  };
  return {
    async find(digest: Uint8Array): Promise<Invitation | undefined> {
      const [row] = await unit.query<InvitationRow>(
        `select ${invitationColumns} from invitation where digest = $1 or mailed_digest = $1`,
        [digest],
      );
      return row && invitationOf(row);
    },

    /** Oldest first, after the cursor. */
    async page(after: After | undefined, most: number): Promise<readonly Invitation[]> {
      const rows = await unit.query<InvitationRow>(
        `select ${invitationColumns} from invitation
          where $1::bigint is null or (created_at, id) > ($1, $2::uuid) order by created_at, id limit $3`,
        [after?.at ?? null, after?.id ?? null, most],
      );
      return rows.map(invitationOf);
    },

    async add(invitation: Invitation): Promise<void> {
      const { id, email, role, invitedBy, issuedSeq, createdAt, expiresAt, digest, mailedDigest } = invitation;
      const body = new TextEncoder().encode(JSON.stringify({ email, role }));
      await unit.query(
        `insert into invitation
           (org, id, digest, email_index, invited_by, issued_seq, created_at, expires_at, body, mailed_digest)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          uuidOf(unit.scope.org),
          uuidOf(id),
          digest,
          indexOf(email),
          uuidOf(invitedBy),
          issuedSeq,
          createdAt,
          expiresAt,
          unit.scope.seal("invitation", rowOf(invitation), body),
          mailedDigest ?? null,
        ],
      );
    },

    /** How many of those that there are were made after that moment. */
    async madeSince(at: number): Promise<number> {
      const [row] = await unit.query<{ count: string }>("select count(*) from invitation where created_at > $1", [at]);
      return Number(row?.count ?? 0);
    },

    /** At most one caller is ever answered `true`. */
    async remove(id: Id<"invitation">): Promise<boolean> {
      return (await removed("id", uuidOf(id))).length > 0;
    },

    removeTo: (email: string) => removed("email_index", indexOf(email)),

    /** Those that she invited. */
    removeOf: (person: Id<"person">) => removed("invited_by", uuidOf(person)),

    async removeExpired(now: Instant): Promise<void> {
      await unit.query("delete from invitation where expires_at <= $1", [now]);
    },
  };
};

/** The one-time link that makes the first person. Only a digest of its secret is kept. */
export const setupIn = (unit: InstanceUnit) => ({
  async offer(digest: Uint8Array, expiresAt: number): Promise<void> {
    await unit.query("delete from setup where taken_at is null", []);
    await unit.query("insert into setup (digest, expires_at) values ($1, $2)", [digest, expiresAt]);
  },

  async isOffered(digest: Uint8Array): Promise<boolean> {
    const rows = await unit.query("select 1 from setup where digest = $1 and taken_at is null and expires_at > $2", [
      digest,
      unit.at,
    ]);
    return rows.length > 0;
  },

  async giveBack(digest: Uint8Array): Promise<void> {
    await unit.query("update setup set taken_at = null where digest = $1", [digest]);
  },

  /** At most one caller is ever answered `true`: the row is updated by whoever comes first. */
  async take(digest: Uint8Array): Promise<boolean> {
    const rows = await unit.query(
      "update setup set taken_at = $2 where digest = $1 and taken_at is null and expires_at > $2 returning 1",
      [digest, unit.at],
    );
    return rows.length > 0;
  },
});
