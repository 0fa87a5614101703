import type { CredentialId, Id, Instant } from "@holdfast/kernel";
import type { Traffic } from "./counts.ts";

/** How somebody came. The database keeps the place in this list: append only. */
export const ways = ["http", "mqtt", "eventStream", "webSocket", "socket"] as const;
export type Way = (typeof ways)[number];

/** Why a connection is over. The database keeps the place in this list: append only. */
export const causes = [
  "crash",
  "goodbye",
  "silent",
  "broken",
  "replaced",
  "suspended",
  "retired",
  "revoked",
  "expired",
  "rules",
  "slow",
  "unkept",
  "asked",
  "stopped",
  "fault",
  "barred",
] as const;
export type Cause = (typeof causes)[number];

/** Nobody saw it go: the platform ended without a word, and what is known of the connection is what was last written down. */
export const crashed = causes.indexOf("crash");

/** Who, and what he speaks: all that is counted is counted for one of these. */
export type Whose = {
  readonly over: Way;
  readonly credential: CredentialId;
  /** Where the credential belongs, or the device now is. */
  readonly application: Id<"application"> | undefined;
  /** Whose messages or points they are. */
  readonly device: Id<"device"> | undefined;
};

/** What a person may be told by: it is sealed. */
export type Origin = {
  readonly address: string;
  /** The listener's own name for the way in: `mqtts`, `wss`, `https`. */
  readonly transport: string;
  /** MQTT's client id, fit to be shown. */
  readonly client?: string | undefined;
};

export type Ended = { readonly at: Instant; readonly cause: Cause };

/** One connection, as it is written down. */
export type ConnectionRecord = Whose &
  Origin &
  Readonly<Traffic> & {
    readonly id: Id<"connection">;
    readonly person: Id<"person"> | undefined;
    readonly beganAt: Instant;
    readonly ended: Ended | undefined;
  };
