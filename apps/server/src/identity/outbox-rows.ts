import { associated, blindIndex, open, seal, unlessBroken } from "@holdfast/crypto";
import { type Instant, type Random } from "@holdfast/kernel";
import type { InstanceUnit, Keyring } from "../storage/index.ts";
import type { Kind, Letter } from "./letter.ts";
import { normalEmail } from "./person.ts";

/** A letter that waits. */
export type Waiting = {
  readonly id: string;
  /** `undefined` when somebody altered its row. */
  readonly letter: Letter | undefined;
  readonly createdAt: Instant;
  readonly attempts: number;
};

type Row = {
  id: string;
  recipient: Uint8Array;
  created_at: string;
  until: string;
  attempts: number;
  body: Uint8Array;
};

/** Letters belong to no organisation. What is sealed belongs to the columns that decide for how long it is tried. */
export const outboxIn = (unit: InstanceUnit, { keys, random }: { keys: Keyring; random: Random }) => {
  const key = keys.instanceKey("outbox");
  const recipientOf = (to: string) => blindIndex(keys.instanceKey("outbox/recipient"), normalEmail(to));
  const place = (id: string, recipient: Uint8Array, createdAt: number, until: number) =>
    associated({
      org: "instance",
      kind: "outbox",
      row: [id, recipient.toHex(), createdAt, until].join("|"),
      version: 0,
    });
  return {
    async add(letter: Letter, until: Instant): Promise<void> {
      const id = random.bytes(16).toHex();
      const recipient = recipientOf(letter.to);
      const body = seal(
        key,
        place(id, recipient, unit.at, until),
        new TextEncoder().encode(JSON.stringify(letter)),
        random,
      );
      await unit.query(
        `insert into outbox (id, recipient, kind, created_at, until, due_at, body) values ($1, $2, $3, $4, $5, $4, $6)`,
        [id, recipient, letter.kind, unit.at, until, body],
      );
    },

    /** How many there are that wait. */
    async waiting(): Promise<number> {
      const [row] = await unit.query<{ count: string }>("select count(*) from outbox where due_at is not null", []);
      return Number(row?.count ?? 0);
    },

    /** When this address was last written to of this kind, the latest first; those of the last day. */
    async lately(to: string, kind: Kind): Promise<readonly Instant[]> {
      const rows = await unit.query<{ created_at: string }>(
        "select created_at from outbox where recipient = $1 and kind = $2 order by created_at desc limit 100",
        [recipientOf(to), kind],
      );
      return rows.map((row) => Number(row.created_at) as Instant); // a bigint column of ours
    },

    /** Those whose turn it is, who have waited longest first. */
    async due(most: number): Promise<readonly Waiting[]> {
      const rows = await unit.query<Row>(
        `select id, recipient, created_at, until, attempts, body from outbox
          where due_at <= $1 and until > $1 order by due_at, id limit $2`,
        [unit.at, most],
      );
      return rows.map((row) => {
        const id = row.id.replaceAll("-", "");
        return {
          id,
          letter: opened(key, place(id, row.recipient, Number(row.created_at), Number(row.until)), row.body),
          createdAt: Number(row.created_at) as Instant,
          attempts: row.attempts,
        };
      });
    },

    async again(id: string, dueAt: number): Promise<void> {
      await unit.query("update outbox set due_at = $2, attempts = attempts + 1 where id = $1", [id, dueAt]);
    },

    /** Sent, or never to be. What it said is gone. */
    async done(id: string): Promise<void> {
      await unit.query("update outbox set due_at = null, body = null where id = $1", [id]);
    },

    /** Those that were not sent in time. Answers how many. */
    async giveUp(): Promise<number> {
      const rows = await unit.query(
        "update outbox set due_at = null, body = null where due_at is not null and until <= $1 returning 1",
        [unit.at],
      );
      return rows.length;
    },

    async removeDone(before: number): Promise<void> {
      await unit.query("delete from outbox where due_at is null and created_at <= $1", [before]);
    },
  };
};

const opened = (key: Uint8Array, place: Uint8Array, body: Uint8Array): Letter | undefined =>
  unlessBroken(() => JSON.parse(new TextDecoder().decode(open(key, place, body))) as Letter); // sealed by `add`
