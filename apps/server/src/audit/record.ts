import { scrub } from "@holdfast/crypto";
import { idFrom, newId, uuidOf, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Actor, AuditEntry, Unit } from "../storage/index.ts";

/** An entry as it is read back. */
export type Entry = {
  readonly id: Id<"entry">;
  /** Its place in the log of the whole deployment. Never shown: see cursor.ts. */
  readonly seq: number;
  readonly at: Instant;
  readonly what: string;
  readonly about: string;
  readonly by: Actor;
  readonly facts: Readonly<Record<string, unknown>> | undefined;
};

type Body = { what: string; by: Actor; facts?: Readonly<Record<string, unknown>> | undefined };

/**
 * Writes the entries of a unit into the same transaction: what happened and its trace are kept together or not at all. Credentials are struck
 * out of every entry, whoever wrote it: a topic, a name or a tag is a client's text, and whoever may read the log may not have what it opens.
 */
export const recorder =
  (random: Random) =>
  async (unit: Unit, entries: readonly AuditEntry[]): Promise<void> => {
    for (const { what, about, facts } of entries) {
      const id = newId("entry", random);
      const body: Body = { what, by: unit.actor, facts };
      const sealed = unit.scope.seal(
        "audit",
        rowOf(id, unit.at, about),
        new TextEncoder().encode(scrub(JSON.stringify(body))),
      );
      await unit.query("insert into audit (org, id, about, at, body) values ($1, $2, $3, $4, $5)", [
        uuidOf(unit.scope.org),
        uuidOf(id),
        about,
        unit.at,
        sealed,
      ]);
    }
  };

export type EntryFilter = {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly about?: string | undefined;
  readonly from?: Instant | undefined;
  readonly to?: Instant | undefined;
};

type Row = { id: string; seq: string; about: string; at: string; body: Uint8Array };

export async function readEntries(
  unit: Unit,
  asked: EntryFilter,
  before: number | undefined,
): Promise<readonly Entry[]> {
  const rows = await unit.query<Row>(
    `select id, seq, about, at, body from audit
      where ($1::bigint is null or seq < $1) and ($2::text is null or about = $2)
        and ($3::bigint is null or at >= $3) and ($4::bigint is null or at < $4)
      order by seq desc limit $5`,
    [before ?? null, asked.about ?? null, asked.from ?? null, asked.to ?? null, asked.limit + 1],
  );
  return rows.map((row) => {
    const id = idFrom("entry", row.id);
    const at = Number(row.at) as Instant; // a bigint column of ours
    const plain = unit.scope.open("audit", rowOf(id, at, row.about), row.body);
    const { what, by, facts } = JSON.parse(new TextDecoder().decode(plain)) as Body; // sealed by the recorder
    return { id, seq: Number(row.seq), at, what, about: row.about, by, facts };
  });
}

const rowOf = (id: Id<"entry">, at: Instant, about: string): string => `${id}|${at}|${about}`;
