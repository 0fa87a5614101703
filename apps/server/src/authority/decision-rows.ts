import { unlessBroken } from "@holdfast/crypto";
import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import type { Answered, Cell, CellRow, Question } from "./decisions.ts";

/** A cell as it was kept; without a question it is all that there was no room for on that day, or a row that does not open. */
export type KeptCell = (Opened | { readonly question: undefined; readonly isAltered: true }) & {
  readonly day: Instant;
  readonly hours: readonly number[];
};

/** What is sealed of it. */
export type Opened = { readonly question: Question; readonly answered: Answered } | { readonly question: undefined };

/** Where a page ended. */
export type Behind = { readonly run: number; readonly cell: Uint8Array };

type Body = { readonly question?: Omit<Question, "device"> | undefined; readonly answered?: Answered };
type Row = {
  day: number;
  run: number;
  cell: Uint8Array;
  device: string | null;
  hours: readonly number[];
  body: Uint8Array;
};

/** A keyed digest each, for as long as the cell is counted in. */
const digests = new WeakMap<Cell, Uint8Array>();

/** Decisions as PostgreSQL keeps them: when, how often and about which device is readable, everything else is sealed. */
export const decisionsIn = (unit: Unit) => ({
  async save(run: number, page: readonly CellRow[]): Promise<void> {
    await insert(
      unit,
      run,
      page.filter(({ isKept }) => !isKept),
    );
    await update(
      unit,
      run,
      page.filter(({ isKept }) => isKept),
    );
  },

  /**
   * Of one day, so many at a time; of some devices where that is all that is asked for. `known`: what was opened of other days, under the
   * same digest: it is not opened again.
   */
  async page(
    asked: { readonly day: Instant; readonly devices: readonly Id<"device">[] | undefined; readonly limit: number },
    behind: Behind | undefined,
    known: Map<string, Opened>,
  ): Promise<{ readonly cells: readonly KeptCell[]; readonly behind: Behind | undefined }> {
    const { day, devices, limit } = asked;
    const rows = await unit.query<Row>(
      `select day, run, cell, device, hours, body from decision
        where day = $1 and (run, cell) > ($2::bigint, $3::bytea)
          and ($4::uuid[] is null or device is null or device = any($4))
        order by run, cell limit $5`,
      [day, behind?.run ?? -1, behind?.cell ?? new Uint8Array(), devices?.map(uuidOf) ?? null, limit],
    );
    const last = rows.at(-1);
    return {
      cells: rows.map((row) => {
        const digest = row.cell.toHex();
        const opened = known.get(digest) ?? openedOf(unit, row);
        if (!opened) return { day, hours: row.hours, question: undefined, isAltered: true };
        known.set(digest, opened);
        return { day, hours: row.hours, ...opened };
      }),
      behind: last && rows.length === limit ? { run: Number(last.run), cell: last.cell } : undefined,
    };
  },
});

async function insert(unit: Unit, run: number, cells: readonly CellRow[]): Promise<void> {
  if (cells.length === 0) return;
  await unit.query(
    `insert into decision (org, run, day, cell, device, hours, body)
       select $1, $2, day, cell, device, hours::integer[], body
         from unnest($3::bigint[], $4::bytea[], $5::uuid[], $6::text[], $7::bytea[]) as said (day, cell, device, hours, body)
     on conflict (org, day, run, cell) do update set hours = excluded.hours`,
    [
      uuidOf(unit.scope.org),
      run,
      cells.map(({ day }) => day),
      cells.map((row) => digestOf(unit, row)),
      cells.map(({ question }) => (question?.device === undefined ? null : uuidOf(question.device))),
      cells.map(({ hours }) => `{${hours.join()}}`),
      cells.map((row) => sealed(unit, row)),
    ],
  );
}

async function update(unit: Unit, run: number, cells: readonly CellRow[]): Promise<void> {
  if (cells.length === 0) return;
  await unit.query(
    `update decision set hours = said.hours::integer[]
       from unnest($2::bigint[], $3::bytea[], $4::text[]) as said (day, cell, hours)
      where decision.run = $1 and decision.day = said.day and decision.cell = said.cell`,
    [
      run,
      cells.map(({ day }) => day),
      cells.map((row) => digestOf(unit, row)),
      cells.map(({ hours }) => `{${hours.join()}}`),
    ],
  );
}

function digestOf(unit: Unit, { cell, name }: CellRow): Uint8Array {
  let digest = digests.get(cell);
  if (!digest) digests.set(cell, (digest = unit.scope.index("decision", name)));
  return digest;
}

/** What is sealed belongs to the columns that say which it is. */
const nameOf = (day: Instant, cell: Uint8Array, device: Id<"device"> | undefined): string =>
  [day, cell.toHex(), device ?? "-"].join("|");

function sealed(unit: Unit, row: CellRow): Uint8Array {
  const { day, question, answered } = row;
  const { device, ...rest } = question ?? { device: undefined };
  const body: Body = question ? { question: rest as Omit<Question, "device">, answered } : {};
  return unit.scope.seal(
    "decision",
    nameOf(day, digestOf(unit, row), device),
    new TextEncoder().encode(JSON.stringify(body)),
  );
}

const instant = (number: number): Instant => Number(number) as Instant; // a bigint column of ours

/** Nothing of one that was altered: the others are as true as before. */
function openedOf(unit: Unit, { day: at, cell, device: stored, body }: Row): Opened | undefined {
  const device = stored === null ? undefined : idFrom("device", stored);
  const plain = unlessBroken(() => unit.scope.open("decision", nameOf(instant(at), cell, device), body));
  if (!plain) return undefined;
  const { question, answered } = JSON.parse(new TextDecoder().decode(plain)) as Body; // sealed by `save`
  return question && answered ? { question: { ...question, device }, answered } : { question: undefined };
}
