import { associated, blindIndex, open, seal, unlessBroken } from "@holdfast/crypto";
import { idFrom, uuidOf, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { InstanceUnit, Keyring } from "../storage/index.ts";
import { isUsable, personPasskeysIn, type PersonPasskey } from "./passkey-rows.ts";
import type { Totp } from "./totp.ts";

type Row = { created_at: string; last_step: string; wrong: number; next_at: string; body: Uint8Array };

const columns = "created_at, last_step, wrong, next_at, body";

/** All that she has here, as it is kept twice: of recovery codes their digests. */
export type FactorState = Partial<Pick<Totp, "secret" | "createdAt">> & {
  readonly codes: readonly Uint8Array[];
  readonly passkeys: readonly PersonPasskey[];
};

/** Second factors, sealed under the instance's key: people belong to no organisation. */
export const factorsIn = (unit: InstanceUnit, { keys, random }: { keys: Keyring; random: Random }) => {
  const passkeysIn = personPasskeysIn(unit, { keys, random });
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
  const find = async (person: Id<"person">, how = ""): Promise<Totp | undefined> => {
    const text = `select ${columns} from person_factors where person = $1 and body is not null ${how}`;
    const [row] = await unit.query<Row>(text, [uuidOf(person)]);
    return row && totpOf(person, row);
  };
  const codesOf = async (person: Id<"person">): Promise<readonly Uint8Array[]> => {
    const text = "select digest from recovery_code where person = $1 order by digest";
    return (await unit.query<{ digest: Uint8Array }>(text, [uuidOf(person)])).map(({ digest }) => digest);
  };
  const putDigests = async (person: Id<"person">, digests: readonly Uint8Array[]): Promise<void> => {
    await unit.query("delete from recovery_code where person = $1", [uuidOf(person)]);
    const text = "insert into recovery_code (person, digest) select $1, unnest($2::bytea[])";
    await unit.query(text, [uuidOf(person), digests]);
  };
  return {
    /** Who has one that opens, of all people. */
    async everybody(): Promise<{ readonly people: readonly Id<"person">[]; readonly altered: number }> {
      const text = `select person, ${columns} from person_factors where body is not null`;
      const rows = await unit.query<Row & { person: string }>(text, []);
      const all = rows.map((row) => [idFrom("person", row.person), row] as const);
      const good = all.filter(([person, row]) => unlessBroken(() => totpOf(person, row)));
      return { people: good.map(([person]) => person), altered: rows.length - good.length };
    },

    /** @throws Refusal `seal.broken` */
    find: (person: Id<"person">) => find(person),

    /** The same, and nobody else looks at a code of hers before this unit ends. */
    take: (person: Id<"person">) => find(person, "for update"),

    /** Of those who bring the code of one step, or of an earlier one, at most one is ever answered `true`. */
    async use(person: Id<"person">, step: number): Promise<boolean> {
      const rows = await unit.query(
        `update person_factors set last_step = $2, wrong = 0, next_at = 0
          where person = $1 and last_step < $2 returning 1`,
        [uuidOf(person), step],
      );
      return rows.length > 0;
    },

    async wasWrong(person: Id<"person">, { wrong, nextAt }: Pick<Totp, "wrong" | "nextAt">): Promise<void> {
      await unit.query("update person_factors set wrong = $2, next_at = $3 where person = $1", [
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
        `insert into person_factors (person, seq, created_at, last_step, body) values ($1, 0, $2, $3, $4)
         on conflict (person) do update
           set created_at = excluded.created_at, last_step = excluded.last_step, wrong = 0, next_at = 0, body = excluded.body
           where person_factors.body is null or person_factors.created_at < $5 returning 1`,
        [uuidOf(person), createdAt, lastStep, seal(sealKey, place(person, createdAt), secret, random), offeredAt],
      );
      return rows.length > 0;
    },

    async remove(person: Id<"person">): Promise<boolean> {
      const text = "update person_factors set body = null where person = $1 and body is not null returning 1";
      return (await unit.query(text, [uuidOf(person)])).length > 0;
    },

    async codesLeft(person: Id<"person">): Promise<number> {
      return (await codesOf(person)).length;
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
    putCodes: (person: Id<"person">, codes: readonly string[]) =>
      putDigests(
        person,
        codes.map((code) => digestOf(person, code)),
      ),

    /** The place of a change that was just made: later than all before it. */
    async mark(person: Id<"person">): Promise<number> {
      const [row] = await unit.query<{ seq: string }>(
        `insert into person_factors (person, seq) values ($1, nextval('revocation_seq'))
         on conflict (person) do update set seq = greatest(person_factors.seq + 1, excluded.seq) returning seq`,
        [uuidOf(person)],
      );
      return Number(row?.seq);
    },

    async marks(): Promise<ReadonlyMap<Id<"person">, number>> {
      const rows = await unit.query<{ person: string; seq: string }>("select person, seq from person_factors", []);
      return new Map(rows.map(({ person, seq }) => [idFrom("person", person), Number(seq)]));
    },

    async state(person: Id<"person">): Promise<FactorState> {
      const totp = await find(person);
      const passkeys = (await passkeysIn.of(person)).filter(isUsable);
      return {
        ...(totp && { secret: totp.secret, createdAt: totp.createdAt }),
        codes: await codesOf(person),
        passkeys,
      };
    },

    /** As it was said to be at that place. False when she is no person any more. */
    async restore(
      person: Id<"person">,
      { secret, createdAt, codes, passkeys }: FactorState,
      seq: number,
    ): Promise<boolean> {
      const body = secret && createdAt !== undefined ? seal(sealKey, place(person, createdAt), secret, random) : null;
      const rows = await unit.query(
        `insert into person_factors (person, seq, created_at, body) select id, $2, $3, $4 from person where id = $1
         on conflict (person) do update set seq = excluded.seq, created_at = excluded.created_at, body = excluded.body
         returning 1`,
        [uuidOf(person), seq, createdAt ?? null, body],
      );
      if (rows.length === 0) return false;
      await putDigests(person, codes);
      await passkeysIn.removeAllOf(person);
      for (const passkey of passkeys) await passkeysIn.add(passkey);
      return true;
    },
  };
};
