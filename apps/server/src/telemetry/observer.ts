import type { CredentialId, Id, Instant, Refusal } from "@holdfast/kernel";
import type { Came, Space } from "../authority/index.ts";
import type { Meter, Waiting } from "./batch.ts";
import type { Reading } from "./reading.ts";
import type { Mark } from "./schema.ts";

export type Source = {
  readonly space: Space;
  readonly device: Id<"device">;
  readonly via: "mqtt" | "http" | "socket";
  /** Of MQTT: of a message about several devices, so that the broker does not know whom this is owed to. */
  readonly isPart?: true | undefined;
  /** Of MQTT: as the client named it, and its client id. */
  readonly topic?: string | undefined;
  readonly session?: string | undefined;
  readonly credential?: CredentialId | undefined;
  /** Where its points are counted once they are durable. */
  readonly meter?: Meter | undefined;
  /** Of HTTP: over which TLS, where the device itself sent it. */
  readonly came?: Pick<Came, "tls" | "group"> | undefined;
};

/** By the broker, to whoever is owed it. */
export const isBrought = ({ via, isPart }: Source): boolean => via === "mqtt" && !isPart;

/** Whoever sends over HTTP. */
export type Sender = Pick<Source, "meter" | "came">;

/** A message that is durable, as observers see it: with the times that the platform gave. */
export type Stored = Source & {
  readonly readings: readonly {
    readonly time: Instant;
    readonly values: Reading["values"];
    /** What is wrong with values that were kept all the same. */
    readonly marks?: ReadonlyMap<string, Mark> | undefined;
  }[];
  /** As it came. */
  readonly body: Uint8Array;
  readonly contentType: string | undefined;
};

/** A message of which nothing is kept, where its sender may not be told: one of `accept`. */
export type Refused = Source & {
  readonly refusal: Refusal;
  /** Bytes of the body. */
  readonly size: number;
};

/** Told of messages in the order of their commits. Asked first, because most messages interest nobody. */
export interface Observer {
  wants(source: Source): boolean;
  stored(stored: Stored): void;
  /** At once, whether its sender hears of it or not. */
  refused?(refused: Refused): void;
}

/** Who is owed a message that came another way than by the broker. */
export interface Carrier {
  /** Before the first message of a space: what it is owed from before is known. @throws Refusal */
  ready(space: Space): Promise<void>;
  /**
   * Nothing of what is being erased of an organisation (`Erasures.pending`) is owed to anybody or retained any more, and no copy of the log
   * opens that has it. @throws Refusal where that is not so yet
   */
  erase(org: Id<"org">): Promise<void>;
  /** Decides now who is owed it. It goes out once it is settled. @throws Refusal where somebody who is owed it has no room */
  offer(
    message: Pick<Source, "space" | "device" | "came"> & { body: Uint8Array; contentType?: string | undefined },
  ): Waiting;
}

/** In this order: whoever asks after a 2xx finds that it was delivered. */
export const together = (carried: Waiting, waiting: Waiting): Waiting => ({
  record: carried.record,
  mark: waiting.mark,
  settle(code, reason) {
    try {
      carried.settle(code, reason);
    } finally {
      waiting.settle(code, reason);
    }
  },
});
