import type { Broker, Standing } from "@holdfast/mqtt";
import type { CredentialId, Instant } from "@holdfast/kernel";
import { readCredential, type Permit } from "../authority/index.ts";
import { fit } from "../live/index.ts";
import type { MessageLog } from "./log.ts";

type Needs = Parameters<typeof readCredential>[0] & {
  readonly log: Pick<MessageLog, "ready">;
  readonly broker: Pick<Broker, "sessions">;
};

/** How a session is doing, fit to be shown. */
export type MqttSession = Omit<Standing, "connection" | "leftAt"> & {
  readonly state: "online" | "offline";
  /** When it came, or went. */
  readonly since: Instant;
  readonly connection: Standing["connection"];
  /** Of one that is offline: when it is over, if its client does not come back. */
  readonly endsAt: Instant | undefined;
  readonly subscriptionCount: number;
};

/** One may have ten thousand of each, and whoever looks wants to know what is wrong with a few. */
const mostSessions = 100;
const mostSubscriptions = 100;

/** The MQTT sessions of devices and programs, connected or kept for their clients. */
export class MqttSessions {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  ofDevice(permit: Permit<"device.read">): Promise<Listed> {
    return this.#of(permit, permit.on);
  }

  /** Of a program; of a device's key those of the device, which finds them under each of its keys. @throws Refusal `credential.unknown` */
  async ofCredential(permit: Permit<"credential.read">, id: CredentialId): Promise<Listed> {
    const { credential } = await readCredential(this.#needs, permit, id);
    return this.#of(permit, credential.device ?? credential.id);
  }

  async #of(permit: Permit<"device.read"> | Permit<"credential.read">, principal: string): Promise<Listed> {
    const { spaces, log, broker } = this.#needs;
    const space = await spaces.of(permit.scope.org);
    // After a start they are read when somebody first needs them.
    await log.ready(space);
    permit.askAgain();
    const all = broker.sessions(space, principal).map(shown);
    all.sort((one, other) => rank(one) - rank(other) || other.since - one.since);
    return { items: all.slice(0, mostSessions), total: all.length };
  }
}

/** Those that are online first, then those that went last; at most a hundred of `total`. */
type Listed = { readonly items: readonly MqttSession[]; readonly total: number };

const rank = ({ state }: MqttSession): number => (state === "online" ? 0 : 1);

function shown({ leftAt = 0, connection, ...standing }: Standing): MqttSession {
  const { clientId, expirySeconds, subscriptions } = standing;
  const since = (connection?.since ?? leftAt) as Instant; // only the platform's clock is written there
  return {
    ...standing,
    clientId: fit(clientId),
    state: connection ? "online" : "offline",
    since,
    connection,
    endsAt: connection ? undefined : ((since + expirySeconds * 1_000) as Instant), // no session is for ever: see broker.ts
    subscriptions: subscriptions.slice(0, mostSubscriptions).map(({ filter, qos }) => ({ filter: fit(filter), qos })),
    subscriptionCount: subscriptions.length,
  };
}
