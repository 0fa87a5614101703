import { readFrame } from "@holdfast/crypto";
import { Refusal, type Id, type Timers } from "@holdfast/kernel";
import { whoIs } from "../application-users/index.ts";
import type { Authentication, Caller, SocketAddresses } from "../authority/index.ts";
import type { Sockets } from "./sockets.ts";

/** Milliseconds. What is not answered by then was dropped, as it is on a socket; it is less than a commit is tried for. */
const patience = 8_000;

type Needs = {
  readonly sockets: Pick<Sockets, "receive">;
  readonly socketAddresses: SocketAddresses;
  readonly authentication: Authentication;
  readonly timers: Timers;
};

/** A customer's phone brings what her device has sealed. It is believed as if the device had sent it, and the phone is not believed at all. */
export class Relay {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** The answer, for the device. @throws Refusal `relay.malformed`, `device.unknown`, `relay.refused`, `relay.unanswered` */
  async bring(caller: Caller, bytes: Uint8Array, address: string): Promise<Uint8Array> {
    const frame = readFrame(bytes);
    if (frame?.mode !== "sealed" || !frame.wantsAnswer) throw new Refusal("relay.malformed");
    await this.#refuseUnlessHers(caller, frame.address);
    const { sockets, timers } = this.#needs;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const timer = timers.after(patience, () => reject(new Refusal("relay.unanswered", { retryAfterSeconds: 1 })));
    sockets.receive(bytes, {
      address,
      answer: resolve,
      turnAway: () => reject(new Refusal("relay.refused")),
    });
    return promise.finally(() => timer.cancel());
  }

  /** Answered alike for what is nobody's, another's and not there. */
  async #refuseUnlessHers(caller: Caller, address: number): Promise<void> {
    const { socketAddresses, authentication } = this.#needs;
    const { id, application } = whoIs(caller);
    const whose = socketAddresses.of(address);
    const credential =
      whose?.org === caller.org ? await authentication.credential(caller.space, whose.credential) : undefined;
    const device: Id<"device"> | undefined = credential?.device;
    const placement = device && caller.space.device(device);
    if (placement?.user === id && placement.application === application) return;
    throw caller.refuse("telemetry.write", device ?? caller.org, "not a device of hers", new Refusal("device.unknown"));
  }
}
