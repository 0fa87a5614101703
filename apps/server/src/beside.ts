import { because, Refusal, type Clock, type Id, type Random, type Report, type Timers } from "@holdfast/kernel";
import {
  childAttributesTopic,
  childRpcTopic,
  commandTopic,
  desiredTopic,
  foreignCommandTopic,
  rpcRequestTopic,
  sharedAttributesTopic,
  taskTopic,
  tasksWaitTopic,
  type Foreign,
} from "@holdfast/protocol";
import type { Handler, Space, Spaces } from "./authority/index.ts";
import { Board, doByWire } from "./tasks/index.ts";
import { taskRoutes } from "./tasks/routes.ts";
import { Commands, parseForeignReply, parseReply } from "./commands/index.ts";
import { commandRoutes } from "./commands/routes.ts";
import { ToDevice, type Beside, type SaidOfChild } from "./messages/index.ts";
import { parseTrusted, Trusting } from "./roots/index.ts";
import { trustRoutes } from "./roots/routes.ts";
import type { Keyring, Storage } from "./storage/index.ts";
import { codeOf, DeviceSeals, type Source, type Telemetry } from "./telemetry/index.ts";
import { parseAttributesRequest, parsePatch, readPatch, Twins } from "./twins/index.ts";
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
  readonly board: Board;
  readonly commands: Commands;
  /** Each second, and none waits for another. */
  readonly rounds: readonly (() => Promise<void>)[];
};

export function openBeside(needs: Needs): BesideTelemetry {
  const toDevice = new ToDevice();
  const missed: Missed = new Map();
  const parts = {
    ...needs,
    seals: new DeviceSeals(needs),
    toDevice,
    missed: (space: Space, device: Id<"device">) => void missed.set(device, space),
  };
  const twins = new Twins(parts);
  const trusting = new Trusting(parts);
  const commands = new Commands(parts);
  const tell = (space: Space, group: Id<"group">) =>
    toDevice.tell(space, { topic: tasksWaitTopic(group), payload: bytesOf({ group }) });
  const board = new Board({ ...parts, tell });
  const { telemetry, report } = needs;
  let served: Served | undefined;
  const beside = besideOf({
    twins,
    trusting,
    commands,
    board,
    toDevice,
    clock: needs.clock,
    telemetry,
    report,
    missed,
    served: () => served,
  });
  return {
    ...beside,
    handlers: [
      ...twinRoutes({ ...parts, twins }),
      ...trustRoutes({ ...parts, trusting }),
      ...commandRoutes({ ...parts, commands }),
      ...taskRoutes({ ...parts, board }),
    ],
    board,
    commands,
    serve(given) {
      served = given;
      toDevice.serve(given);
    },
    rounds: [
      async () => {
        const again = [...missed];
        missed.clear();
        for (const [device, space] of again) if (!space.closed) beside.arrived(space, device, undefined);
      },
      () => commands.round(),
      () => board.round(),
    ],
  };
}

type Served = Parameters<Beside["serve"]>[0];
/** Devices that could not be told what they are owed. */
type Missed = Map<Id<"device">, Space>;

type Parts = {
  readonly twins: Twins;
  readonly trusting: Trusting;
  readonly commands: Commands;
  readonly board: Board;
  readonly toDevice: ToDevice;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly missed: Missed;
  readonly served: () => Served | undefined;
  readonly report: Report;
};

type Waiting = Parameters<Beside["accept"]>[3];

const serverUnavailable = 0x88; // MQTT 5, table 2-6

/** What devices say over MQTT beside telemetry goes to its verbs, and what is owed to a device that listens is given to it. */
function besideOf({
  twins,
  trusting,
  commands,
  board,
  toDevice,
  clock,
  telemetry,
  missed,
  served,
  report,
}: Parts): Omit<Beside, "serve"> {
  const fault = (error: unknown) => report("A message of a device met a fault of our own.", because(error));

  /** Whoever watches the device sees what was refused, and why. */
  const tell = (refusal: Refusal, { space, device, topic, session, credential }: Source, size: number): Refusal => {
    const { live } = served() ?? {};
    const how = { transport: "mqtt", action: "telemetry.write", topic, session, credential, size } as const;
    if (live?.isWatched(space)) live.tell({ space, device, refusal, ...how });
    return refusal;
  };

  const settle = async (source: Source, size: number, waiting: Waiting, work: () => Promise<unknown>) => {
    try {
      await work();
      // Whoever listens is owed it by a record, which stands behind what it is about.
      if (!waiting.record) waiting.settle(0);
      else served()?.log.append(source.space, waiting.record, (code) => waiting.settle(code));
    } catch (error) {
      if (error instanceof Refusal) return waiting.settle(codeOf(tell(error, source, size)), error.message);
      fault(error);
      waiting.settle(serverUnavailable);
    }
  };

  const give = async (space: Space, device: Id<"device">, filters: readonly string[] | undefined): Promise<void> => {
    try {
      const mayMatch = (topic: string) => !filters || filters.some((one) => mayMeet(one, topic));
      const mayMatchAny = (...topics: readonly string[]) => topics.some(mayMatch);
      const wanted = [desiredTopic(device), sharedAttributesTopic(device), childAttributesTopic(device)];
      const asked = [commandTopic(device, ""), foreignCommandTopic(device), rpcRequestTopic(device, "")];
      if (mayMatchAny(...wanted)) await twins.arrived(space, device);
      if (mayMatchAny(...asked, childRpcTopic(device))) await commands.arrived(space, device);
    } catch (error) {
      // The database is away, say: a moment later it may not be.
      if (!(error instanceof Refusal)) fault(error);
      missed.set(device, space);
    }
  };

  /** What a device says in another platform's words; `undefined` for what it only hears. @throws Refusal */
  const foreignWork = (space: Space, topic: Foreign, bytes: Uint8Array): (() => Promise<void>) | undefined => {
    const { device } = topic;
    switch (topic.what) {
      case "hello": // which library it has: nobody asks
        return async () => {};
      case "attributes": {
        const patch = parsePatch(bytes);
        return () => twins.reportForeign(space, device, patch);
      }
      case "attributesRequest": {
        const asked = parseAttributesRequest(bytes);
        return () => twins.answer(space, device, topic.number, asked);
      }
      case "rpcResponse": {
        const reply = parseForeignReply(bytes);
        return () => commands.replyBy(space, device, topic.number, reply);
      }
      case "command":
      case "shared":
      case "attributesResponse":
      case "rpcRequest":
        return undefined;
    }
  };

  /** What a gateway says of a child in another platform's words. @throws Refusal */
  const childWork = (
    space: Space,
    child: Id<"device">,
    said: SaidOfChild,
    bytes: Uint8Array,
  ): (() => Promise<void>) => {
    switch (said.what) {
      case "attributes": {
        const patch = readPatch(said.patch);
        return () => twins.reportForeign(space, child, patch);
      }
      case "request":
        return () => twins.answerAboutChild(space, child, said);
      case "reply": {
        const reply = parseForeignReply(bytes);
        return () => commands.replyBy(space, child, said.number, reply);
      }
    }
  };

  return {
    arrived: (space, device, filters) => void give(space, device, filters),

    introduced(space, gateway, child, name, by) {
      const isNew = toDevice.introductions.introduce(gateway, child, name, by);
      if (isNew) void give(space, child, [childAttributesTopic(child), childRpcTopic(child)]);
    },
    dismissed: (gateway, child) => toDevice.introductions.dismiss(gateway, child),
    left: (device, by) => toDevice.introductions.left(device, by),

    acceptOfChild(source, said, bytes, waiting) {
      const { space, device } = source;
      try {
        const work = childWork(space, device, said, bytes);
        void settle(source, bytes.length, waiting, async () => {
          await telemetry.admitBeside(space, device, bytes);
          await work();
        });
        return undefined;
      } catch (error) {
        if (error instanceof Refusal) return tell(error, source, bytes.length);
        throw error;
      }
    },

    acceptTask(source, { group, verb }, { payload, properties }, waiting) {
      const { space, device } = source;
      try {
        const bytes = new Uint8Array(payload); // a copy: the bytes are the connection's
        const { correlationData } = properties;
        const answers = correlationData && { properties: { correlationData: new Uint8Array(correlationData) } };
        const work = doByWire(board, { space, device, group }, verb, bytes);
        if (!work) return new Refusal("topic.unknown");
        void settle(source, bytes.length, waiting, async () => {
          await telemetry.admitBeside(space, device, bytes);
          const told = await work(() => clock.now());
          const topic = taskTopic(device, group);
          if (told) toDevice.send(space, device, { topic, payload: bytesOf(told), ...answers });
        });
        return undefined;
      } catch (error) {
        if (error instanceof Refusal) return tell(error, source, payload.length);
        throw error;
      }
    },

    accept(source, topic, { payload }, waiting) {
      const { space, device } = source;
      try {
        const bytes = new Uint8Array(payload); // a copy: the bytes are the connection's
        const admitted = () => telemetry.admitBeside(space, device, bytes);
        if (topic.kind === "reported") {
          const patch = parsePatch(bytes);
          void settle(source, bytes.length, waiting, async () => {
            await admitted();
            await twins.report(space, device, patch);
          });
        } else if (topic.kind === "roots") {
          const digests = parseTrusted(bytes);
          void settle(source, bytes.length, waiting, async () => {
            await admitted();
            await trusting.say(space, device, digests);
          });
        } else if (topic.kind === "reply") {
          const reply = parseReply(bytes);
          void settle(source, bytes.length, waiting, async () => {
            await admitted();
            await commands.reply(space, device, topic.command, reply);
          });
        } else if (topic.kind === "foreign") {
          const work = foreignWork(space, topic, bytes);
          if (!work) return new Refusal("topic.unknown");
          void settle(source, bytes.length, waiting, async () => {
            await admitted();
            await work();
          });
        } else return new Refusal("topic.unknown");
        return undefined;
      } catch (error) {
        if (error instanceof Refusal) return tell(error, source, payload.length);
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

const bytesOf = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
