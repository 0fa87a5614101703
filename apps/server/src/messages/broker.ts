import { Broker, type Limits } from "@holdfast/mqtt";
import { because, type Random, type Report, type Timers } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";
import { Backoff } from "./backoff.ts";
import { Hub, type HubNeeds } from "./hub.ts";
import { MessageLog, type LogNeeds } from "./log.ts";
import type { SessionContext } from "./session.ts";
import { timeOf } from "./time.ts";

type Needs = LogNeeds &
  Omit<HubNeeds, "log" | "backoff"> & {
    readonly timers: Timers;
    readonly random: Random;
    readonly maximumPacket: number;
    /** What becomes of a message for a session that has no room. */
    readonly whenFull: Limits["whenFull"];
    readonly report: Report;
  };

/** Seconds after which a session ends whose client does not come back. */
const mostAway = 30 * 86_400;

/** How much may wait for one session, and for how long: whoever stays away longer finds what is newer than that. */
const queue = { sessionMessages: 10_000, sessionBytes: 8 << 20, sessionMessageSeconds: 7 * 86_400 };

/** A gateway speaks for many; what sends more than this has lost its way. */
const pace = { messagesPerSecond: 1_000, messagesBurst: 10_000 };

/** The broker, and where it keeps what must not be forgotten. */
export type Messages = {
  readonly broker: Broker<SessionContext>;
  readonly log: MessageLog;
  close(): Promise<void>;
};

/** Opens the broker with what it asks and what it remembers; revocations reach it in the same turn. */
export async function openMessages(needs: Needs): Promise<Messages> {
  const { clock, timers, random, spaces, report } = needs;
  const log = await MessageLog.open(needs);
  const broker = new Broker<SessionContext>({
    policy: new Hub({ ...needs, log, backoff: new Backoff(clock) }),
    journal: log,
    time: timeOf(clock, timers),
    newClientId: () => `auto-${random.bytes(8).toHex()}`,
    reportFault: (fault) => report("an MQTT connection ended by our own fault", because(fault)),
    limits: {
      packet: needs.maximumPacket,
      sessionExpirySeconds: mostAway,
      whenFull: needs.whenFull,
      ...queue,
      ...pace,
    },
  });
  log.serve(broker);
  needs.beside.serve({ broker, log, live: needs.live });
  spaces.onChange((space: Space) => {
    if (!space.closed) return broker.recheck(space);
    // What the platform knew of it is read again, and so is what its sessions are owed.
    broker.unload(space);
    log.closed(space);
  });
  await needs.telemetry.erasures.finish(); // what a stop interrupted, as far as it is the log's
  return {
    broker,
    log,
    async close() {
      await log.close();
      await broker.close();
    },
  };
}
