import type { Clock, Random, Timers } from "@holdfast/kernel";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import type { Emitter } from "./emitter.ts";
import { DeviceError } from "./failure.ts";
import type { Line } from "./outbox.ts";
import { waitAfter } from "./patience.ts";
import type { Ear } from "./subscriptions.ts";

type Needs = { readonly emitter: Emitter; readonly timers: Timers; readonly clock: Clock; readonly random: Random };

export type Ends = {
  /** How to connect this time. */
  options(): Promise<IClientOptions>;
  up(line: Line, ear: Ear): void;
  down(): void;
  /** It did not come up. */
  failed(cause: unknown): void;
  /** Throws where the message could not be taken: then it is not acknowledged, and comes again. */
  message(topic: string, payload: string, mark: string | undefined): void;
};

/** Bad user name or password, not authorized, banned, bad authentication method, taken over by another program, ended by somebody. */
const unwanted = new Set([0x86, 0x87, 0x8a, 0x8c, 0x8e, 0x98]);
const unspecified = 0x80;
/** A connection of less is one more failure: who is let in and hung up on at once does not come back at once for ever. */
const steady = 30_000;
const patienceAtEnd = 5_000;
const window = 16;

/** One connection at a time, made anew whenever it ends. It only ever connects outwards. */
export class Link {
  readonly #url: string;
  readonly #needs: Needs;
  readonly #ends: Ends;
  #client: MqttClient | undefined;
  #isUp = false;
  #isClosed = false;
  /** It ends to begin again. */
  #isChanging = false;
  #failures = 0;
  #since = 0;
  #next: { cancel(): void } | undefined;

  constructor(url: string, needs: Needs, ends: Ends) {
    this.#url = url;
    this.#needs = needs;
    this.#ends = ends;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  start(): void {
    this.#ends.options().then(
      (options) => {
        if (!this.#isClosed) this.#connect(options);
      },
      (error: unknown) => this.#down(undefined, error),
    );
  }

  /** Ends the connection that there is, and makes one with other options. What is under way may still be answered. */
  again(): void {
    const client = this.#client;
    if (!client || !this.#isUp || this.#isChanging) return;
    this.#isChanging = true;
    const timer = this.#needs.timers.after(patienceAtEnd, () => client.stream.destroy());
    client.end(false, {}, () => timer.cancel());
  }

  #connect(options: IClientOptions): void {
    // Sessions end with their connection: what is owed to us the platform keeps elsewhere, what we owe is in the spool.
    const client = mqtt.connect(this.#url, {
      ...options,
      protocolVersion: 5,
      clean: true,
      reconnectPeriod: 0,
      resubscribe: false,
      rejectUnauthorized: true,
    });
    this.#client = client;
    let reason: number | undefined;
    let cause: unknown;
    const isOver = () => this.#client !== client;
    const end = () => {
      if (isOver()) return;
      client.end(true);
      this.#down(reason, cause);
    };
    client.on("connect", () => {
      if (!isOver()) this.#up(client);
    });
    client.on("disconnect", (packet) => (reason = packet.reasonCode));
    client.on("error", (error) => {
      cause = error;
      if ("code" in error && typeof error.code === "number") reason ??= error.code;
      end();
    });
    client.on("close", end);
    // Before it is acknowledged, so that what must not be lost is kept by then.
    client.handleMessage = ({ topic, payload, properties }, done) => {
      if (isOver()) return;
      try {
        this.#ends.message(topic, payload.toString(), properties?.correlationData?.toString());
      } catch (error) {
        this.#needs.emitter.emit("fault", error);
        cause = error;
        return end();
      }
      done();
    };
  }

  /** Says goodbye; what is under way may still be answered for a moment. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#next?.cancel();
    const client = this.#client;
    if (!client) return;
    await new Promise<void>((resolve) => {
      // One that waits for answers as it ends cannot be asked again to end.
      const timer = this.#needs.timers.after(this.#isUp ? patienceAtEnd : 0, () => {
        client.stream.destroy();
        resolve();
      });
      client.end(!this.#isUp, {}, () => {
        timer.cancel();
        resolve();
      });
    });
    this.#client = undefined;
    this.#isUp = false;
  }

  #up(client: MqttClient): void {
    this.#isUp = true;
    this.#since = this.#needs.clock.elapsed();
    const { receiveMaximum = window, maximumPacketSize = Infinity } = client.serverProperties ?? {};
    const line: Line = {
      window: Math.max(1, Math.min(window, receiveMaximum - 1)), // one more than the outbox may be under way
      largest: maximumPacketSize - 128,
      publish: ({ topic, payload, mark }, answered) => {
        // It writes a text as its bytes, and a browser has no `Buffer`.
        const correlationData = mark as unknown as Buffer;
        const asked = mark === undefined ? {} : { properties: { correlationData } };
        client.publish(topic, payload, { qos: 1, ...asked }, (error) => {
          if (!error) answered(0);
          // An error without a number is the connection's end, and no answer.
          else if ("code" in error && typeof error.code === "number") answered(error.code);
        });
      },
    };
    this.#ends.up(line, this.#earOf(client));
    this.#needs.emitter.emit("online");
  }

  #earOf(client: MqttClient): Ear {
    return {
      subscribe: (filters, answered) => {
        const asked = filters.map(({ filter, isToOthers }) => [filter, { qos: 1, nl: isToOthers }] as const);
        client.subscribe(Object.fromEntries(asked), (error, _, packet) => {
          const granted = packet?.granted;
          if (Array.isArray(granted)) answered(granted.map(Number));
          else if (error && this.#client === client && this.#isUp) answered(filters.map(() => unspecified));
        });
      },
      unsubscribe: (filter, answered) => void client.unsubscribe(filter, () => answered()),
    };
  }

  #down(reason: number | undefined, cause: unknown): void {
    const wasSteady = this.#isUp && this.#needs.clock.elapsed() - this.#since >= steady;
    this.#client = undefined;
    if (this.#isUp) this.#ends.down();
    else this.#ends.failed(cause);
    this.#isUp = false;
    if (this.#isClosed) return;
    if (this.#isChanging) {
      this.#isChanging = false;
      return this.start();
    }
    this.#failures = wasSteady ? 1 : this.#failures + 1;
    const isUnwanted =
      (reason !== undefined && unwanted.has(reason)) ||
      (cause instanceof DeviceError && cause.code === "enrolment.refused");
    const setback = isUnwanted ? "unwanted" : "unreachable";
    const wait = waitAfter(setback, this.#failures, this.#needs.random);
    this.#next = this.#needs.timers.after(wait, () => this.start());
    this.#needs.emitter.emit("offline", { reason, cause, wait });
  }
}
