import { associated, open, seal } from "@holdfast/crypto";
import { idFrom, parseId, uuidOf, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { InstanceUnit, Keyring } from "../storage/index.ts";
import type { FactorReset } from "./factor-reset.ts";

type Row = {
  person: string;
  id: string;
  digest: Uint8Array;
  issued_seq: string;
  asked_at: string;
  due_at: string;
  body: Uint8Array;
};
type Body = Pick<FactorReset, "askedBy" | "isByAddress">;

const columns = "person, id, digest, issued_seq, asked_at, due_at, body";

/** Resets that wait, or are due. What is sealed belongs to the columns beside it: nobody moves an end, or makes one, in the database. */
export const factorResetsIn = (unit: InstanceUnit, { keys, random }: { keys: Keyring; random: Random }) => {
  const sealKey = keys.instanceKey("factor-reset");
  const place = ({ id, person, digest, issuedSeq, askedAt, dueAt }: Omit<FactorReset, "askedBy">) =>
    associated({
      org: "instance",
      kind: "factor-reset",
      row: [id, person, digest.toHex(), issuedSeq, askedAt, dueAt].join("|"),
      version: 0,
    });
  const resetOf = (row: Row): FactorReset => {
    const fixed = {
      id: idFrom("factorReset", row.id),
      person: idFrom("person", row.person),
      digest: row.digest,
      issuedSeq: Number(row.issued_seq),
      askedAt: Number(row.asked_at) as Instant, // bigint columns of ours
      dueAt: Number(row.due_at) as Instant,
    };
    const body = JSON.parse(new TextDecoder().decode(open(sealKey, place(fixed), row.body))) as Body; // sealed by `add`
    return { ...fixed, ...body };
  };
  return {
    async of(person: Id<"person">): Promise<FactorReset | undefined> {
      const [row] = await unit.query<Row>(`select ${columns} from factor_reset where person = $1`, [uuidOf(person)]);
      return row && resetOf(row);
    },

    async byDigest(digest: Uint8Array): Promise<FactorReset | undefined> {
      const [row] = await unit.query<Row>(`select ${columns} from factor_reset where digest = $1`, [digest]);
      return row && resetOf(row);
    },

    /** The place of each among revocations, by its id. */
    async places(): Promise<ReadonlyMap<string, number>> {
      const rows = await unit.query<{ id: string; issued_seq: string }>("select id, issued_seq from factor_reset", []);
      return new Map(rows.map(({ id, issued_seq }) => [idFrom("factorReset", id), Number(issued_seq)]));
    },

    /** Answers how many. */
    async removeAll(ids: readonly string[]): Promise<number> {
      const text = "delete from factor_reset where id = any($1::uuid[]) returning 1";
      return (await unit.query(text, [ids.map((id) => uuidOf(parseId("factorReset", id)))])).length;
    },

    /** Oldest first. */
    async all(): Promise<readonly FactorReset[]> {
      const text = `select ${columns} from factor_reset order by asked_at, id`;
      return (await unit.query<Row>(text, [])).map(resetOf);
    },

    /** In place of one that is over. */
    async add(reset: FactorReset): Promise<void> {
      const body: Body = { askedBy: reset.askedBy, isByAddress: reset.isByAddress };
      await unit.query("delete from factor_reset where person = $1", [uuidOf(reset.person)]);
      await unit.query(
        `insert into factor_reset (person, id, digest, issued_seq, asked_at, due_at, body)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [
          uuidOf(reset.person),
          uuidOf(reset.id),
          reset.digest,
          reset.issuedSeq,
          reset.askedAt,
          reset.dueAt,
          seal(sealKey, place(reset), new TextEncoder().encode(JSON.stringify(body)), random),
        ],
      );
    },

    /** At most one caller is ever answered `true`: the row is removed by whoever comes first. */
    async remove(id: Id<"factorReset">): Promise<boolean> {
      const rows = await unit.query("delete from factor_reset where id = $1 returning 1", [uuidOf(id)]);
      return rows.length > 0;
    },
  };
};
