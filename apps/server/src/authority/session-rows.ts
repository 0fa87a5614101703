import { associated, open, seal } from "@holdfast/crypto";
import { idFrom, uuidOf, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { InstanceUnit, Keyring } from "../storage/index.ts";
import type { Session } from "./session.ts";

type Row = {
  id: string;
  digest: Uint8Array;
  person: string;
  issued_seq: string;
  created_at: string;
  expires_at: string;
  seen_at: string;
  quiet: string;
  proof: Uint8Array;
};

const columns = "id, digest, person, issued_seq, created_at, expires_at, seen_at, quiet, proof";

/** When she was last seen, and the longest time in which she was not, in milliseconds. */
export type Seen = { readonly seenAt: Instant; readonly quiet: number };

/** What is not needed to find one, or to tell that it is over. */
type Sealed = Pick<Session, "proofs" | "provedAt" | "only" | "by" | "from" | "isFamiliar">;
type Readable = Omit<Session, keyof Sealed>;

/** What the proof binds: a row whose person or end was changed in the database opens no more. */
const rowOf = ({ id, digest, person, issuedSeq, createdAt, expiresAt }: Readable): string =>
  [id, digest.toHex(), person, issuedSeq, createdAt, expiresAt].join("|");

/** Sessions of people, who belong to no one organisation. */
export const sessionsIn = (unit: InstanceUnit, { keys, random }: { keys: Keyring; random: Random }) => {
  const key = keys.instanceKey("session");
  const place = (session: Readable) =>
    associated({ org: "instance", kind: "session", row: rowOf(session), version: 0 });
  const sealed = (session: Session): Uint8Array => {
    const { proofs, provedAt, only, by, from, isFamiliar } = session;
    const body: Sealed = { proofs, provedAt, only, by, from, isFamiliar };
    return seal(key, place(session), new TextEncoder().encode(JSON.stringify(body)), random);
  };
  const opened = (row: Row): { readonly session: Session } & Seen => {
    const readable = {
      id: idFrom("session", row.id),
      digest: row.digest,
      person: idFrom("person", row.person),
      issuedSeq: Number(row.issued_seq),
      createdAt: Number(row.created_at) as Instant, // bigint columns of ours
      expiresAt: Number(row.expires_at) as Instant,
    };
    const plain = new TextDecoder().decode(open(key, place(readable), row.proof));
    const nothing = { only: undefined, by: undefined };
    const session: Session = { ...readable, ...nothing, ...(JSON.parse(plain) as Omit<Sealed, keyof typeof nothing>) }; // sealed by `add`
    return { session, seenAt: Number(row.seen_at) as Instant, quiet: Number(row.quiet) };
  };
  return {
    /** @throws Refusal `seal.broken` */
    async find(digest: Uint8Array): Promise<({ readonly session: Session } & Seen) | undefined> {
      const [row] = await unit.query<Row>(`select ${columns} from session where digest = $1`, [digest]);
      return row && opened(row);
    },

    /** Those of one person, the newest first. @throws Refusal `seal.broken` */
    async of(person: Id<"person">): Promise<readonly ({ readonly session: Session } & Seen)[]> {
      const text = `select ${columns} from session where person = $1 order by created_at desc, id`;
      return (await unit.query<Row>(text, [uuidOf(person)])).map(opened);
    },

    async add(session: Session): Promise<void> {
      const { id, digest, person, issuedSeq, createdAt, expiresAt } = session;
      await unit.query(
        `insert into session (id, digest, person, issued_seq, created_at, expires_at, seen_at, proof)
         values ($1, $2, $3, $4, $5, $6, $5, $7)`,
        [uuidOf(id), digest, uuidOf(person), issuedSeq, createdAt, expiresAt, sealed(session)],
      );
    },

    /** In place of the one with that cookie. Answers whether it was there still. */
    async replace(before: Uint8Array, session: Session): Promise<boolean> {
      const rows = await unit.query("update session set digest = $2, proof = $3 where digest = $1 returning 1", [
        before,
        session.digest,
        sealed(session),
      ]);
      return rows.length > 0;
    },

    async nextSeq(): Promise<number> {
      const [row] = await unit.query<{ seq: string }>("select nextval('revocation_seq') as seq", []);
      if (!row) throw new Error("a sequence answered nothing");
      return Number(row.seq);
    },

    async remove(id: Id<"session">): Promise<void> {
      await unit.query("delete from session where id = $1", [uuidOf(id)]);
    },

    async saw(seen: readonly ({ readonly id: Id<"session"> } & Seen)[]): Promise<void> {
      await unit.query(
        `update session set seen_at = greatest(session.seen_at, seen.at), quiet = greatest(session.quiet, seen.quiet)
           from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as seen(id, at, quiet) where session.id = seen.id`,
        [seen.map(({ id }) => uuidOf(id)), seen.map(({ seenAt }) => seenAt), seen.map(({ quiet }) => quiet)],
      );
    },

    async removeEnded(now: Instant): Promise<void> {
      await unit.query("delete from session where expires_at <= $1", [now]);
    },
  };
};
