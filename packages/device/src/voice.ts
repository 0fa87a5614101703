import type { Clock } from "@holdfast/kernel";
import type { Commands, Handler } from "./commands.ts";
import type { Emitter } from "./emitter.ts";
import { DeviceError } from "./failure.ts";
import { notAuthorized, refusalOf, type Outbox } from "./outbox.ts";
import type { Entry, Spool } from "./spool.ts";
import type { Listener, Subscriptions } from "./subscriptions.ts";
import * as topics from "./topics.ts";
import { Twin, type OnDesired } from "./twin.ts";

export type VoiceNeeds = {
  readonly spool: Spool;
  readonly outbox: Outbox;
  readonly subscriptions: Subscriptions;
  readonly commands: Commands;
  readonly emitter: Emitter;
  readonly clock: Clock;
  readonly isClosed: () => boolean;
};

export type Values = Readonly<Record<string, unknown>>;
/** When it was measured, as a date or in milliseconds since 1970; now without saying. */
export type Measured = { readonly time?: Date | number };

/** One who measures, has a twin and is given commands: the device itself, or a child of it. */
export class Voice {
  readonly #speaker: topics.Speaker;
  readonly #needs: VoiceNeeds;
  readonly #twin: Twin;
  readonly #listeners = new Map<string, Listener>();
  readonly #ends = new Map<string, () => void>();
  #isHere = true;

  constructor(speaker: topics.Speaker, needs: VoiceNeeds) {
    this.#speaker = speaker;
    this.#needs = needs;
    this.#twin = new Twin(needs.emitter);
  }

  async send(values: Values, measured: Measured): Promise<void> {
    await this.#say(topics.telemetry, this.#reading(values, measured));
  }

  async keep(values: Values, measured: Measured): Promise<void> {
    const { outbox, spool } = this.#needs;
    await this.#keep(topics.telemetry, this.#reading(values, measured));
    outbox.pump();
    await spool.sync();
  }

  async report(patch: Values): Promise<void> {
    await this.#say(topics.reported, JSON.stringify(patch));
  }

  onCommand(name: string, handler: Handler): void {
    if (!topics.isName(name)) throw new DeviceError("name.invalid", { detail: `This is ${JSON.stringify(name)}.` });
    const topic = topics.at(this.#speaker, topics.commands) + name;
    const { commands } = this.#needs;
    commands.handle(topic, handler);
    this.#listen(topic, (payload) => commands.take(topic, payload));
  }

  onDesired(handler: OnDesired): void {
    this.#twin.handle(handler);
    const granted = () => this.#twin.begin();
    this.#listen(topics.at(this.#speaker, topics.desired), (payload) => this.#twin.take(payload), granted);
  }

  /** Commands, and what is wanted, wait at the platform from now on. */
  leave(): void {
    this.#isHere = false;
    for (const end of this.#ends.values()) end();
    this.#ends.clear();
  }

  come(): void {
    this.#isHere = true;
    const { subscriptions } = this.#needs;
    for (const [topic, listener] of this.#listeners)
      if (!this.#ends.has(topic)) this.#ends.set(topic, subscriptions.listen(topic, listener));
  }

  /** What waits to be sent is sent no more. */
  forget(): void {
    const error = new DeviceError("child.forgotten");
    this.#needs.spool.turnAway(this.#speaker, error);
    this.#needs.outbox.forget(this.#speaker, error);
  }

  #listen(topic: string, take: (payload: string) => void, granted = () => {}): void {
    const { emitter } = this.#needs;
    const refused = (reason: number) => emitter.emit("fault", refusalOf(topics.placeOf(topic), reason));
    this.#listeners.set(topic, { take: (_, payload) => take(payload), granted, refused });
    if (this.#isHere) this.come();
  }

  async #say(topic: string, payload: string): Promise<void> {
    const { outbox } = this.#needs;
    const entry = await this.#keep(topic, payload);
    const answer = outbox.answer(entry);
    outbox.pump();
    await answer;
  }

  async #keep(topic: string, payload: string): Promise<Entry> {
    const { spool, outbox, isClosed } = this.#needs;
    if (isClosed()) throw new DeviceError("device.closed");
    const own = topics.at(this.#speaker, topic);
    const kept = spool.keep(own, payload, outbox.isUnderWay);
    // Nobody knows when there will be room, and who measures for many would wait for one.
    if (outbox.isRefused(this.#speaker)) spool.turnAway(this.#speaker, refusalOf(topics.placeOf(own), notAuthorized));
    return kept;
  }

  #reading(values: Values, { time = this.#needs.clock.now() }: Measured): string {
    return JSON.stringify({ time: Number(time), values });
  }
}
