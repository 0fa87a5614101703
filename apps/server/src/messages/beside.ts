import type { Id, Refusal } from "@holdfast/kernel";
import type { Broker } from "@holdfast/mqtt";
import type { ChildAsked, Topic } from "@holdfast/protocol";
import type { Space } from "../authority/index.ts";
import type { LiveRefusals } from "../live/index.ts";
import type { Source } from "../telemetry/index.ts";
import type { MessageLog } from "./log.ts";

/** What a gateway says of a child in another platform's words, beside what the child measures. */
export type SaidOfChild =
  | { readonly what: "attributes"; readonly patch: unknown }
  | { readonly what: "reply"; readonly number: number }
  | ({ readonly what: "request" } & ChildAsked);

/** What devices and the platform say to each other beside telemetry: twins, commands. */
export interface Beside {
  /** From now on devices can be reached. */
  serve(parts: {
    readonly broker: Broker;
    readonly log: MessageLog;
    readonly live: Pick<LiveRefusals, "isWatched" | "tell">;
  }): void;

  /** A device listens, or listens again: to these filters, or to those of a session that was kept. What is owed to it is given. */
  arrived(space: Space, device: Id<"device">, filters: readonly string[] | undefined): void;

  /**
   * Takes what a device says. `undefined`: it is judged, and `waiting` hears when it is durable, with its record, or why it is not. A refusal where
   * that is known at once.
   */
  accept(
    source: Source,
    topic: Exclude<Topic, { kind: "telemetry" }>,
    message: { readonly payload: Uint8Array },
    waiting: { readonly record?: Uint8Array | undefined; settle(code: number, reason?: string): void },
  ): Refusal | undefined;

  /** The same of what a gateway says of a child in another platform's words; `bytes` are the child's part of it. */
  acceptOfChild(
    source: Source,
    said: SaidOfChild,
    bytes: Uint8Array,
    waiting: { settle(code: number, reason?: string): void },
  ): Refusal | undefined;

  /** A gateway names a child: from now on, and as long as that connection lasts, it hears of it in those words, too. */
  introduced(space: Space, gateway: Id<"device">, child: Id<"device">, name: string, by: object): void;
  /** It says that the child is away. */
  dismissed(gateway: Id<"device">, child: Id<"device">): void;
  /** That connection of the device is over. */
  left(device: Id<"device">, by: object): void;

  /** The same of what a member says to the board of a group. What the board answers bears its correlation data. */
  acceptTask(
    source: Source,
    about: { readonly group: Id<"group">; readonly verb: string },
    message: { readonly payload: Uint8Array; readonly properties: { readonly correlationData?: Uint8Array } },
    waiting: { readonly record?: Uint8Array | undefined; settle(code: number, reason?: string): void },
  ): Refusal | undefined;
}
