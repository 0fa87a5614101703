import { Refusal, type Report } from "@holdfast/kernel";
import type { Alerting } from "./alerting.ts";
import type { BesideTelemetry } from "./beside.ts";
import type { Notices } from "./claims/index.ts";
import type { Domains } from "./single-sign-on/index.ts";
import type { PastSignIns } from "./application-users/index.ts";
import type { Refusals } from "./audit/index.ts";
import type { Accounts } from "./accounting/index.ts";
import type { Authentication, HighWater, Journal, LettingGo } from "./authority/index.ts";
import type { ListKeeping, Sessions, Spaces } from "./authority/index.ts";
import { clockWatch } from "./clock-watch.ts";
import type { Ending, ErrandRuns, Post } from "./identity/index.ts";
import type { MessageLog, Presences } from "./messages/index.ts";
import type { Directories } from "./registry/index.ts";
import type { Rounds } from "./rounds.ts";
import type { ScheduledBackups } from "./scheduled-backups.ts";
import type { Sockets } from "./sockets/index.ts";
import type { Storage } from "./storage/index.ts";
import type { ChunkCare } from "./telemetry/index.ts";

type Needs = {
  readonly storage: Storage;
  readonly clock: HighWater;
  readonly report: Report;
  readonly spaces: Spaces;
  readonly authentication: Authentication;
  readonly sessions: Sessions;
  readonly lists: ListKeeping;
  readonly journal: Journal;
  readonly lettingGo: LettingGo;
  readonly pastSignIns: PastSignIns;
  readonly notices: Notices;
  readonly ending: Ending;
  readonly presences: Presences;
  readonly log: MessageLog;
  readonly sockets: Sockets;
  readonly accounts: Accounts;
  readonly directories: Directories;
  readonly domains: Domains;
  readonly post: Post;
  readonly runs: ErrandRuns;
  readonly backups: ScheduledBackups;
  readonly chunkCare: ChunkCare;
  readonly beside: BesideTelemetry;
  readonly alerting: Alerting;
};

const soon = 1_000; // milliseconds between two rounds
const seldom = 10_000;
const minutely = 60_000;
const hourly = 3_600_000;

/** What has to be done again and again while the platform runs. */
export function keepHouse(rounds: Rounds, needs: Needs): void {
  const { storage, clock, report, spaces, authentication, sessions, lists, journal } = needs;
  const {
    lettingGo,
    pastSignIns,
    ending,
    presences,
    log,
    sockets,
    accounts,
    directories,
    domains,
    post,
    runs,
    backups,
    chunkCare,
    beside,
  } = needs;
  const tellOfClock = clockWatch(clock, report);
  tellOfClock();
  let hour = hourOf(clock.now());
  // By itself: what ends by the clock ends on time, whatever the database keeps waiting.
  rounds.every(soon, async () => {
    spaces.turn(clock);
    hour = checkHourly(hour, clock, spaces);
    presences.keepRhythm();
  });
  rounds.every(soon, async () => {
    await sessions.ends.idle();
    await presences.noteChanges();
  });
  rounds.every(soon, () => log.readDue());
  rounds.every(soon, () => runs.round());
  for (const round of beside.rounds) rounds.every(soon, round);
  rounds.every(soon, () => needs.alerting.round());
  rounds.every(soon, () => needs.notices.round());
  rounds.every(soon, () => post.round());
  rounds.every(minutely, () => backups.round());
  rounds.every(seldom, async () => {
    tellOfClock();
    directories.forgetIdle();
    sockets.round();
    await journal.offerMissed();
    await authentication.rememberUse();
    await lists.rememberHits();
    await sessions.remember();
    await presences.noteHeard();
    await storage.maintain.call("raise_high_water", [clock.now()]);
  });
  rounds.every(hourly, async () => {
    spaces.forgetExpired(clock.now());
    await lettingGo.round();
  });
  rounds.every(hourly, () => pastSignIns.round());
  rounds.every(hourly, () => ending.round());
  rounds.every(hourly, () => domains.round());
  // By itself: what it counts must not wait for what fails elsewhere.
  rounds.every(seldom, () => accounts.round());
  // By itself, too: it may take long.
  rounds.every(seldom, () => chunkCare.round());
}

const hourOf = (at: number): number => Math.floor(at / hourly);

/** With each new hour everybody is asked about once more: what was allowed is used in this one as well, where it goes on. */
function checkHourly(hour: number, clock: HighWater, spaces: Spaces): number {
  const now = hourOf(clock.now());
  if (now > hour) for (const space of spaces.all()) space.bump();
  return now;
}

/** What was only noted so far is written down before the storage closes. */
export async function keepLast(needs: {
  readonly refusals: Refusals | undefined;
  readonly lists: ListKeeping;
  readonly authentication: Authentication;
  readonly report: Report;
}): Promise<void> {
  const remembered = needs.authentication.rememberUse().catch((error: unknown) => {
    // A stop must not fail because a database is away.
    if (!(error instanceof Refusal)) throw error;
    needs.report(`How credentials were used lately was not written down: ${error.message}`, { code: error.code });
  });
  await Promise.all([needs.refusals?.flush(), needs.lists.rememberHits(), remembered]);
}
