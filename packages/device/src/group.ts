import type { Board, BoardNeeds } from "./board.ts";
import { DeviceError } from "./failure.ts";
import type { Hands } from "./hands.ts";
import { refusalOf } from "./outbox.ts";
import { markOf } from "./patience.ts";
import type { Task } from "./task.ts";
import { board, groupTree, isName } from "./topics.ts";
import { isWithin, type Worker, type WorkOptions } from "./work.ts";

export type PutOptions = {
  /** Milliseconds after which nobody gets it any more, counted from when the platform has it; a day without saying, 30 days at most. */
  readonly expiresIn?: number;
};
/** `topic` is below the group's own: `level`. */
export type OnHeard = (body: unknown, topic: string) => unknown;
/** Asks for no more. Resolves once what is in hand is over. */
export type Working = { stop(): Promise<void> };

/** What a device says and hears in a group that it is in, and the work that the group shares (docs/groups.md). */
export class Group {
  /** Its name or its id, as the device calls it. */
  readonly name: string;
  readonly #board: Board;
  readonly #hands: Hands;
  readonly #needs: BoardNeeds;

  constructor(name: string, board: Board, hands: Hands, needs: BoardNeeds) {
    this.name = name;
    this.#board = board;
    this.#hands = hands;
    this.#needs = needs;
  }

  /**
   * Now or not at all: what is said in a group is of now, and waits in no spool. `body` is any JSON. Resolves once the platform has it. Rejects as
   * `connection.ended` where nobody knows whether it was heard, and as `group.refused` where this device may not say it.
   */
  async say(topic: string, body: unknown): Promise<void> {
    if (!isSaid(topic) || /[+#]/.test(topic)) throw new DeviceError("name.invalid", { detail: topicIs(topic) });
    const payload = JSON.stringify(body ?? null);
    const reason = await this.#needs.outbox.tell({ topic: groupTree(this.name) + topic, payload });
    if (reason >= 0x80) throw refusalOf({ child: undefined, group: this.name }, reason);
  }

  /** Hears what others say there; `topic` may have wildcards (`+`, `#`). What is no JSON is told as `fault`. Answers what ends it. */
  hear(topic: string, handler: OnHeard): () => void {
    if (!isSaid(topic)) throw new DeviceError("name.invalid", { detail: topicIs(topic) });
    const { subscriptions, emitter } = this.#needs;
    const tree = groupTree(this.name);
    let isOver = false;
    const end = subscriptions.listen(tree + topic, {
      isToOthers: true,
      take: (full, payload) => {
        if (!isOver) void this.#heard(handler, payload, full.slice(tree.length));
      },
      refused: (reason) => emitter.emit("fault", refusalOf({ child: undefined, group: this.name }, reason)),
    });
    return () => {
      isOver = true;
      end();
    };
  }

  /**
   * Puts a task on the board, once: it waits in the spool until the platform has it. `body` is any JSON of 16 KiB at most. Resolves once the platform
   * has it on disk. Rejects as `group.refused`, or as `platform.refused` where the board is full.
   */
  async put(name: string, body?: unknown, { expiresIn }: PutOptions = {}): Promise<void> {
    if (!isName(name)) throw new DeviceError("name.invalid", { detail: topicIs(name) });
    const expiry = expiresIn === undefined ? {} : { expiresIn: durationOf(expiresIn) };
    // By its key the platform knows it again, where the connection ended before it was acknowledged.
    await this.#board.owe("put", {
      name,
      ...(body !== undefined && { body }),
      ...expiry,
      key: markOf(this.#needs.random),
    });
  }

  /**
   * Gets tasks that nobody has, the oldest first: `count` at most (100), each for so many `seconds` (5 to 3,600) after the platform heard of it last.
   * They are renewed by themselves, until they are finished, failed or given back. Rejects as `connection.ended`, `board.silent`, `group.refused`.
   */
  lease({ count = 1, seconds = 60 }: { count?: number; seconds?: number } = {}): Promise<readonly Task[]> {
    if (!isWithin(count, 1, 100) || !isWithin(seconds, 5, 3_600)) throw new DeviceError("work.invalid");
    return this.#hands.lease(count, seconds);
  }

  /** Does tasks as they come. A task whose lease is lost has its `signal` aborted; what the worker returns then is for nobody. */
  work(worker: Worker, options: WorkOptions = {}): Working {
    return this.#hands.work(worker, options);
  }

  /** Never rejects: what others say is no fault of the connection. */
  async #heard(handler: OnHeard, payload: string, topic: string): Promise<void> {
    if (topic.startsWith(board)) return; // that is between each of them and the platform
    try {
      await handler(jsonIn(payload, topic), topic);
    } catch (error) {
      this.#needs.emitter.emit("fault", error);
    }
  }
}

function jsonIn(payload: string, topic: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    throw new DeviceError("group.malformed", { detail: topicIs(topic) }); // without the cause: it quotes what was said
  }
}

/** As the platform writes lengths of time, which has six digits for them. */
function durationOf(milliseconds: number): string {
  const seconds = Math.max(1, Math.ceil(milliseconds / 1_000));
  return seconds < 1e6 ? `${seconds}s` : `${Math.ceil(seconds / 60)}m`;
}

const isSaid = (topic: string): boolean => topic !== "" && !topic.startsWith(board) && !topic.includes("\0");
const topicIs = (topic: string): string => `This is ${JSON.stringify(topic)}.`;
