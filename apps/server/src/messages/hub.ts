import {
  Broker,
  type Asked,
  type Ending,
  type Gate,
  type Policy,
  type Publication,
  type Time,
  type TurnedAway,
  type Welcome,
} from "@holdfast/mqtt";
import { Refusal, type Random } from "@holdfast/kernel";
import { parseTopic, telemetryTopic } from "@holdfast/protocol";
import type { Authentication, Caller, Space, Spaces } from "../authority/index.ts";
import type { Telemetry } from "../telemetry/index.ts";
import { MessageGate } from "./gate.ts";
import { reasonOf } from "./reason.ts";
import { welcome, type SessionContext } from "./session.ts";

type Needs = {
  readonly spaces: Spaces;
  readonly authentication: Authentication;
  readonly telemetry: Telemetry;
  /** Refuses an address that guessed too often. @throws Refusal `rate.exceeded` */
  readonly guard: { check(address: string): void; take(address: string): void };
  readonly refused: (
    caller: Caller,
    action: "connect" | "telemetry.write" | "telemetry.read",
    about: string,
    because: string,
  ) => void;
};

const administrativeAction = 0x98;
const topicNameInvalid = 0x90;

/** The topic spaces of all organisations: who may come in, and what becomes of a message. */
export class Hub implements Policy<SessionContext> {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async connect(asked: Asked): Promise<Welcome<SessionContext> | TurnedAway> {
    const { guard, telemetry } = this.#needs;
    const address = asked.transport.remoteAddress;
    try {
      guard.check(address);
      const caller = await this.#callerOf(asked);
      const { device } = caller.credential;
      if (device) await telemetry.prepare(caller.space, device);
      const ended = caller.ended();
      return ended === undefined ? welcome(caller) : { turnedAway: 0x87, reasonString: ended };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.code === "credential.invalid") guard.take(address);
      return { turnedAway: reasonOf(error, "connect"), reasonString: error.message };
    }
  }

  renew({ caller }: SessionContext, _gate: Gate): Gate | Ending {
    const ended = caller.ended();
    return ended === undefined ? new MessageGate(caller) : { end: administrativeAction };
  }

  accept({ caller }: SessionContext, publication: Publication): number {
    const topic = parseTopic(publication.topic);
    if (!topic) return topicNameInvalid;
    const refusal = this.#needs.telemetry.accept(
      { space: caller.space, device: topic.device, via: "mqtt" },
      publication.payload,
      {
        contentType: publication.version === 5 ? publication.properties.contentType : undefined,
        dialect: dialectOf(publication.written),
      },
      publication,
    );
    if (!refusal) return 0;
    publication.reasonString = refusal.message;
    this.#needs.refused(caller, "telemetry.write", topic.device, refusal.message);
    return reasonOf(refusal, "publish");
  }

  refused({ caller }: SessionContext, what: "publish" | "subscribe" | "will", topic: string): void {
    const action = what === "subscribe" ? "telemetry.read" : "telemetry.write";
    this.#needs.refused(
      caller,
      action,
      caller.credential.device ?? caller.space.org,
      `${what} to ${topic.slice(0, 128)}`,
    );
  }

  async #callerOf({ username = "", password }: Asked): Promise<Caller> {
    const secret = password ? new TextDecoder().decode(password) : "";
    const { authentication } = this.#needs;
    if (secret.startsWith("hf_")) return authentication.byText(secret);
    if (secret === "" && username !== "") return authentication.byText(username);
    return authentication.byKey(username, secret);
  }
}

/** Which platform the firmware was written for: it says so by the topic that it publishes to. */
const dialectOf = (written: string): "holdfast" | "losant" | "thingsboard" =>
  written.startsWith("losant/") ? "losant" : written.startsWith("v1/") ? "thingsboard" : "holdfast";

/** Wires the broker to what changes around it: revocations reach it in the same turn, readings that came another way too. */
export function brokerFor(needs: {
  hub: Hub;
  spaces: Spaces;
  telemetry: Telemetry;
  time: Time;
  random: Random;
  maximumPacket: number;
  reportFault: (fault: unknown) => void;
}): Broker<SessionContext> {
  const broker = new Broker<SessionContext>({
    policy: needs.hub,
    time: needs.time,
    newClientId: () => `auto-${needs.random.bytes(8).toHex()}`,
    reportFault: needs.reportFault,
    limits: { packet: needs.maximumPacket },
    // A retained message has to be durable before it is acknowledged; until the platform does that, it keeps none.
    retainAvailable: false,
  });
  needs.spaces.onChange((space: Space) => broker.recheck(space));
  needs.telemetry.onStored({
    wants: ({ via }) => via !== "mqtt", // the broker delivers what it brought
    stored: ({ space, device, body }) =>
      broker.publish(space, { topic: telemetryTopic(device), payload: body, qos: 1, retain: false }),
  });
  return broker;
}
