import { because, Refusal, type Clock, type Id, type Random, type Report, type Timers } from "@holdfast/kernel";
import { commandTopic, desiredTopic } from "@holdfast/protocol";
import type { Handler, Space, Spaces } from "./authority/index.ts";
import { Commands, parseReply } from "./commands/index.ts";
import { commandRoutes } from "./commands/routes.ts";
import { ToDevice, type Beside, type MessageLog } from "./messages/index.ts";
import type { Keyring, Storage } from "./storage/index.ts";
import { codeOf, DeviceSeals, type Source, type Telemetry } from "./telemetry/index.ts";
import { parsePatch, Twins } from "./twins/index.ts";
import { twinRoutes } from "./twins/routes.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly keys: Keyring;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly report: Report;
  readonly signal: AbortSignal;
};

/** Twins and commands, with the way between them and the broker. */
export type BesideTelemetry = Beside & {
  readonly handlers: readonly Handler[];
  /** Each second. */
  round(): Promise<void>;
};

export function openBeside(needs: Needs): BesideTelemetry {
  const toDevice = new ToDevice();
  const parts = { ...needs, seals: new DeviceSeals(needs), toDevice };
  const twins = new Twins(parts);
  const commands = new Commands(parts);
  const { telemetry, report } = needs;
  const log: { kept: MessageLog | undefined } = { kept: undefined };
  return {
    ...besideOf({ twins, commands, telemetry, report, log: () => log.kept }),
    handlers: [...twinRoutes({ ...parts, twins }), ...commandRoutes({ ...parts, commands })],
    serve(served) {
      log.kept = served.log;
      toDevice.serve(served);
    },
    round: () => commands.round(),
  };
}

type Parts = {
  readonly twins: Twins;
  readonly commands: Commands;
  readonly telemetry: Telemetry;
  readonly log: () => MessageLog | undefined;
  readonly report: Report;
};

type Waiting = Parameters<Beside["accept"]>[3];

const serverUnavailable = 0x88; // MQTT 5, table 2-6

/** What devices say over MQTT beside telemetry goes to its verbs, and what is owed to a device that listens is given to it. */
function besideOf({ twins, commands, telemetry, log, report }: Parts): Omit<Beside, "serve"> {
  const fault = (error: unknown) => report("A message of a device met a fault of our own.", because(error));

  const settle = async (space: Space, waiting: Waiting, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
      // Whoever listens is owed it by a record, which stands behind what it is about.
      if (!waiting.record) waiting.settle(0);
      else log()?.append(space, waiting.record, (code) => waiting.settle(code));
    } catch (error) {
      if (error instanceof Refusal) return waiting.settle(codeOf(error), error.message);
      fault(error);
      waiting.settle(serverUnavailable);
    }
  };

  const give = async (space: Space, device: Id<"device">, filters: readonly string[] | undefined): Promise<void> => {
    try {
      const mayMatch = (topic: string) => !filters || filters.some((one) => mayMeet(one, topic));
      if (mayMatch(desiredTopic(device))) await twins.arrived(space, device);
      if (mayMatch(commandTopic(device, ""))) await commands.arrived(space, device);
    } catch (error) {
      // The database is away, say: the device hears of it when it comes again.
      if (!(error instanceof Refusal)) fault(error);
    }
  };

  return {
    arrived: (space, device, filters) => void give(space, device, filters),

    accept({ space, device }: Source, topic, { payload }, waiting) {
      try {
        const bytes = new Uint8Array(payload); // a copy: the bytes are the connection's
        const admitted = () => telemetry.admitBeside(space, device, bytes);
        if (topic.kind === "reported") {
          const patch = parsePatch(bytes);
          void settle(space, waiting, async () => {
            await admitted();
            await twins.report(space, device, patch);
          });
        } else if (topic.kind === "reply") {
          const reply = parseReply(bytes);
          void settle(space, waiting, async () => {
            await admitted();
            await commands.reply(space, device, topic.command, reply);
          });
        } else return new Refusal("topic.unknown");
        return undefined;
      } catch (error) {
        if (error instanceof Refusal) return error;
        throw error;
      }
    },
  };
}

/** Whether a filter and a topic, or the beginning of one that ends with a slash, may have something in common. */
function mayMeet(filter: string, topic: string): boolean {
  const levels = topic.split("/");
  for (const [at, level] of filter.split("/").entries()) {
    if (level === "#") return true;
    const other = levels[at];
    if (other === undefined) return false;
    if (other === "" || level === "+") continue;
    if (level !== other) return false;
  }
  return true;
}
