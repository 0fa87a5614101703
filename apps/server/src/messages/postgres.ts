import { idFrom, isRefusal, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import { asPlatform, type Space } from "../authority/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import { troubles } from "./condition.ts";
import { causeOfCode, codeOfCause, type OwnComing, type Presence } from "./presence.ts";

/** When a device came or went, when it was heard last (0: never), what is wrong with it beyond a restart, and how it came (`Seen`). */
export type Noted = {
  readonly device: Id<"device">;
  readonly coming: OwnComing;
  readonly heardAt: number;
  readonly trouble: Presence["trouble"];
  readonly way: number;
  readonly contestedAt: number;
};

type Row = {
  device: string;
  state: number;
  cause: number | null;
  since: string | null;
  heard_at: string;
  trouble: number | null;
  trouble_since: string | null;
  tls: number;
  contested_at: string;
};

const states = ["never", "online", "offline", "through"] as const; // as the migration numbers them; appended to

/** Rows of one statement: a fleet that comes back after a restart is written in pieces. */
const mostRows = 5_000;

/** Of an organisation that is being erased nothing is written down: nobody asks for its devices any more. */
export async function notePresences(
  storage: Storage,
  { scope }: Pick<Space, "scope">,
  noted: readonly Noted[],
): Promise<void> {
  try {
    for (let at = 0; at < noted.length; at += mostRows)
      await storage.note(asPlatform(scope), (unit) => presencesIn(unit).save(noted.slice(at, at + mostRows)));
  } catch (error) {
    if (!isRefusal(error, "org.unknown")) throw error;
  }
}

/** Presence as PostgreSQL keeps it: nothing of it is sealed. */
export const presencesIn = (unit: Unit) => ({
  async all(): Promise<readonly Noted[]> {
    const rows = await unit.query<Row>(
      "select device, state, cause, since, heard_at, trouble, trouble_since, tls, contested_at from presence",
      [],
    );
    return rows.map((row) => ({
      device: idFrom("device", row.device),
      coming: ownComingOf(row),
      heardAt: Number(row.heard_at),
      trouble: troubleOf(row),
      way: row.tls,
      contestedAt: Number(row.contested_at),
    }));
  },

  async save(noted: readonly Noted[]): Promise<void> {
    const since = ({ coming }: Noted) => (coming.state === "never" ? null : coming.since);
    const cause = ({ coming }: Noted) => (coming.state === "offline" ? codeOfCause(coming.because) : null);
    await unit.query(
      `insert into presence (org, device, state, cause, since, heard_at, trouble, trouble_since, tls, contested_at)
         select $1, noted.device, noted.state, noted.cause, noted.since, noted.heard_at, noted.trouble, noted.trouble_since, noted.tls,
             noted.contested_at
           from unnest($2::uuid[], $3::smallint[], $4::smallint[], $5::bigint[], $6::bigint[], $7::smallint[], $8::bigint[], $9::int[], $10::bigint[])
             as noted(device, state, cause, since, heard_at, trouble, trouble_since, tls, contested_at)
           join device on device.id = noted.device for key share of device -- one that is erased meanwhile is nowhere
       on conflict (org, device) do update set state = excluded.state, cause = excluded.cause, since = excluded.since,
         heard_at = excluded.heard_at, trouble = excluded.trouble, trouble_since = excluded.trouble_since, tls = excluded.tls,
         contested_at = excluded.contested_at`,
      [
        uuidOf(unit.scope.org),
        noted.map(({ device }) => uuidOf(device)),
        noted.map(({ coming }) => states.indexOf(coming.state)),
        noted.map(cause),
        noted.map(since),
        noted.map(({ heardAt }) => heardAt),
        noted.map(({ trouble }) => (trouble ? troubles.indexOf(trouble.state) : null)),
        noted.map(({ trouble }) => trouble?.since ?? null),
        noted.map(({ way }) => way),
        noted.map(({ contestedAt }) => contestedAt),
      ],
    );
  },
});

function ownComingOf({ state, cause, since }: Row): OwnComing {
  const at = Number(since ?? 0) as Instant; // a bigint column of ours
  if (state === states.indexOf("online")) return { state: "online", since: at };
  if (state === states.indexOf("offline")) return { state: "offline", since: at, because: causeOfCode(cause ?? -1) };
  return state === states.indexOf("through") ? { state: "through", since: at } : { state: "never" };
}

function troubleOf({ trouble, trouble_since: since }: Row): Presence["trouble"] {
  const state = trouble === null ? undefined : troubles[trouble];
  return state && { state, since: Number(since ?? 0) as Instant }; // a bigint column of ours
}
