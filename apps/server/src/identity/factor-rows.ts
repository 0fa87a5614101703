import { associated, blindIndex, open, seal } from "@holdfast/crypto";
import { idFrom, Refusal, uuidOf, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { InstanceUnit, Keyring } from "../storage/index.ts";
import type { Totp } from "./totp.ts";

type Row = { created_at: string; last_step: string; wrong: number; next_at: string; body: Uint8Array };

const columns = "created_at, last_step, wrong, next_at, body";

/** Second factors, sealed under the instance's key: people belong to no organisation. */
export const factorsIn = (unit: InstanceUnit, { keys, random }: { keys: Keyring; random: Random }) => {
  const sealKey = keys.instanceKey("totp");
  const indexKey = keys.instanceKey("recovery-code");
  const place = (person: Id<"person">, createdAt: number) =>
    associated({ org: "instance", kind: "totp", row: `${person}|${createdAt}`, version: 0 });
  const digestOf = (person: Id<"person">, code: string) => blindIndex(indexKey, `${person}|${code}`);
  const totpOf = (person: Id<"person">, row: Row): Totp => {
    const createdAt = Number(row.created_at) as Instant; // bigint columns of ours
    return {
      secret: open(sealKey, place(person, createdAt), row.body),
      createdAt,
      lastStep: Number(row.last_step),
      wrong: row.wrong,
      nextAt: Number(row.next_at) as Instant,
    };
  };
  return {
    /** Who has one that opens, of all people. */
    async everybody(): Promise<{ readonly people: readonly Id<"person">[]; readonly altered: number }> {
      const rows = await unit.query<Row & { person: string }>(`select person, ${columns} from person_totp`, []);
      const all = rows.map((row) => [idFrom("person", row.person), row] as const);
      const good = all.filter(([person, row]) => opens(() => totpOf(person, row)));
      return { people: good.map(([person]) => person), altered: rows.length - good.length };
    },

    /** @throws Refusal `seal.broken` */
    async find(person: Id<"person">): Promise<Totp | undefined> {
      const [row] = await unit.query<Row>(`select ${columns} from person_totp where person = $1`, [uuidOf(person)]);
      return row && totpOf(person, row);
    },

    /** The same, and nobody else looks at a code of hers before this unit ends. */
    async take(person: Id<"person">): Promise<Totp | undefined> {
      const [row] = await unit.query<Row>(`select ${columns} from person_totp where person = $1 for update`, [
        uuidOf(person),
      ]);
      return row && totpOf(person, row);
    },

    /** Of those who bring the code of one step, or of an earlier one, at most one is ever answered `true`. */
    async use(person: Id<"person">, step: number): Promise<boolean> {
      const rows = await unit.query(
        `update person_totp set last_step = $2, wrong = 0, next_at = 0
          where person = $1 and last_step < $2 returning 1`,
        [uuidOf(person), step],
      );
      return rows.length > 0;
    },

    async wasWrong(person: Id<"person">, { wrong, nextAt }: Pick<Totp, "wrong" | "nextAt">): Promise<void> {
      await unit.query("update person_totp set wrong = $2, next_at = $3 where person = $1", [
        uuidOf(person),
        wrong,
        nextAt,
      ]);
    },

    /** In place of one that she had when this was offered, and of none that is newer: what was offered is taken once. */
    async put(
      person: Id<"person">,
      {
        secret,
        createdAt,
        lastStep,
        offeredAt,
      }: Pick<Totp, "secret" | "createdAt" | "lastStep"> & { offeredAt: Instant },
    ): Promise<boolean> {
      const rows = await unit.query(
        `insert into person_totp (person, created_at, last_step, body) values ($1, $2, $3, $4)
         on conflict (person) do update
           set created_at = excluded.created_at, last_step = excluded.last_step, wrong = 0, next_at = 0, body = excluded.body
           where person_totp.created_at < $5 returning 1`,
        [uuidOf(person), createdAt, lastStep, seal(sealKey, place(person, createdAt), secret, random), offeredAt],
      );
      return rows.length > 0;
    },

    async remove(person: Id<"person">): Promise<boolean> {
      const rows = await unit.query("delete from person_totp where person = $1 returning 1", [uuidOf(person)]);
      return rows.length > 0;
    },

    async codesLeft(person: Id<"person">): Promise<number> {
      const rows = await unit.query("select 1 from recovery_code where person = $1", [uuidOf(person)]);
      return rows.length;
    },

    /** At most one caller is ever answered `true`. */
    async useCode(person: Id<"person">, code: string): Promise<boolean> {
      const rows = await unit.query("delete from recovery_code where person = $1 and digest = $2 returning 1", [
        uuidOf(person),
        digestOf(person, code),
      ]);
      return rows.length > 0;
    },

    /** In place of those that she had. */
    async putCodes(person: Id<"person">, codes: readonly string[]): Promise<void> {
      await unit.query("delete from recovery_code where person = $1", [uuidOf(person)]);
      await unit.query("insert into recovery_code (person, digest) select $1, unnest($2::bytea[])", [
        uuidOf(person),
        codes.map((code) => digestOf(person, code)),
      ]);
    },
  };
};

function opens(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof Refusal && error.code === "seal.broken") return false; // whoever counts says so
    throw error;
  }
}
