import { associated, blindIndex, open, seal } from "@holdfast/crypto";
import type { Instant, Random } from "@holdfast/kernel";
import type { InstanceUnit, Keyring } from "../storage/index.ts";
import type { Activation } from "./activation.ts";

type Row = {
  digest: Uint8Array;
  expires_at: string;
  heard_at: string | null;
  pause: number;
  body: Uint8Array;
};

/** One, when its program asked last, and how long it has to wait in between, in milliseconds. */
export type Heard = {
  readonly activation: Activation;
  readonly heardAt: Instant | undefined;
  readonly pause: number;
};

/** Programs that ask to be let in are of no organisation: sealed under the instance's key, found by a digest, or by a keyed one of the code. */
export const activationsIn = (unit: InstanceUnit, { keys, random }: { keys: Keyring; random: Random }) => {
  const sealKey = keys.instanceKey("activation");
  const indexOf = (code: string) => blindIndex(keys.instanceKey("activation/code"), code);
  const place = (digest: Uint8Array, expiresAt: number) =>
    associated({ org: "instance", kind: "activation", row: `${digest.toHex()}|${expiresAt}`, version: 0 });
  const sealed = ({ digest, ...rest }: Activation): Uint8Array =>
    seal(sealKey, place(digest, rest.expiresAt), new TextEncoder().encode(JSON.stringify(rest)), random);
  const heard = (row: Row | undefined): Heard | undefined => {
    if (!row) return undefined;
    const plain = new TextDecoder().decode(open(sealKey, place(row.digest, Number(row.expires_at)), row.body));
    const activation = { ...(JSON.parse(plain) as Omit<Activation, "digest">), digest: row.digest } as Activation; // sealed by `add` or `save`
    const heardAt = row.heard_at === null ? undefined : (Number(row.heard_at) as Instant); // a bigint column of ours
    return { activation, heardAt, pause: row.pause };
  };
  const columns = "digest, expires_at, heard_at, pause, body";
  return {
    /** Whoever reads one to change it is alone with it until the end of the transaction. @throws Refusal `seal.broken` */
    async byCode(code: string): Promise<Activation | undefined> {
      const rows = await unit.query<Row>(`select ${columns} from activation where code_index = $1 for update`, [
        indexOf(code),
      ]);
      return heard(rows[0])?.activation;
    },

    async byDigest(digest: Uint8Array): Promise<Heard | undefined> {
      return heard(
        (await unit.query<Row>(`select ${columns} from activation where digest = $1 for update`, [digest]))[0],
      );
    },

    /** False when another one has that code. */
    async add(activation: Activation, code: string, pause: number): Promise<boolean> {
      const rows = await unit.query(
        `insert into activation (digest, code_index, expires_at, pause, body) values ($1, $2, $3, $4, $5)
         on conflict (code_index) do nothing returning 1`,
        [activation.digest, indexOf(code), activation.expiresAt, pause, sealed(activation)],
      );
      return rows.length > 0;
    },

    async save(activation: Activation): Promise<void> {
      await unit.query("update activation set body = $2 where digest = $1", [activation.digest, sealed(activation)]);
    },

    async hear(digest: Uint8Array, at: Instant, pause: number): Promise<void> {
      await unit.query("update activation set heard_at = $2, pause = $3 where digest = $1", [digest, at, pause]);
    },

    async remove(digest: Uint8Array): Promise<void> {
      await unit.query("delete from activation where digest = $1", [digest]);
    },

    async removeOlder(than: number): Promise<void> {
      await unit.query("delete from activation where expires_at <= $1", [than]);
    },

    async count(): Promise<number> {
      const [row] = await unit.query<{ count: number }>("select count(*)::int as count from activation", []);
      return row?.count ?? 0;
    },
  };
};
