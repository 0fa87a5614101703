import type { Clock, Id, Random, Report, Timers } from "@holdfast/kernel";
import type { HighWater, Spaces } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import type { MessageSeals } from "./message-seals.ts";
import type { Cold } from "./reader.ts";
import type { Segments } from "./segments.ts";
import type { Series } from "./series.ts";

export type TelemetryNeeds = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly clock: HighWater;
  /** The system's when none are given. */
  readonly timers?: Timers;
  readonly random: Random;
  readonly report: Report;
  /** What was moved to the object store; without it nothing is, and what was before cannot be read. */
  readonly cold?: Cold | undefined;
  /** Bytes that a message may have, also once it is inflated. */
  readonly largest?: number;
  /** Tests give smaller ones: bytes of a segment of the log, bytes of all buffers, and idle devices in memory. */
  readonly sizes?: { readonly segment?: number; readonly buffers?: number; readonly devices?: number };
};

export type CommitterNeeds = {
  readonly storage: Storage;
  readonly segments: Segments;
  readonly messageSeals: MessageSeals;
  readonly clock: Clock;
  readonly timers: Timers;
  /** The points of a commit are in their buffers. */
  readonly committed: (series: readonly Series[]) => void;
  /** So many bytes of the broker's are in the message log. */
  readonly recorded: (org: Id<"org">, bytes: number) => void;
  /** Whether what the broker gave was kept is not known. */
  readonly doubtful: (org: Id<"org">) => void;
  readonly report: Report;
};
