import type { Duplex } from "node:stream";
import { reason } from "./codes.ts";
import type { Connection } from "./connection.ts";
import { after } from "./time.ts";

const nothing = () => {};

/** A timer that is so many milliseconds late tells that the whole process stood still: what came meanwhile waits in the socket, and is read first. */
const stoodStill = 1_000;

/** When a connection is over by itself: nothing came to begin with, nothing came for long, or its welcome has expired. */
export class Deadlines {
  readonly #connection: Connection;
  /** For the CONNECT, then for anything at all, then for the other side's end. */
  #cancelSilence: () => void;
  #cancelExpiry: () => void = nothing;

  constructor(connection: Connection) {
    this.#connection = connection;
    const { time, limits } = connection.core;
    const tooLate = () => connection.end({ how: "keepAlive", code: reason.keepAliveTimeout });
    this.#cancelSilence = time.setTimer(limits.connectDeadline, tooLate);
  }

  /** From here on the client waits for us, and is to hear the answer however long that takes. */
  connectHasCome(): void {
    this.#cancelSilence();
  }

  /** Has the client wait for the answer no, on purpose; `false` where it need not, or too many do already. */
  postpone(milliseconds: number | undefined, answer: () => void): boolean {
    const { time, limits, statistics } = this.#connection.core;
    if (!milliseconds || statistics.refusalsWaiting >= limits.refusalsWaiting) return false;
    statistics.refusalsWaiting++;
    const cancel = after(time, milliseconds, answer);
    this.#cancelSilence = () => {
      cancel();
      statistics.refusalsWaiting--;
    };
    return true;
  }

  /**
   * [MQTT-3.1.2-22], 3.1.1: [MQTT-3.1.2-24]: after one and a half keep-alives (in seconds) of silence we hang up. Looks when the time is
   * up, not at every packet, whether there was one.
   */
  watchSilence(keepAlive: number): void {
    if (keepAlive === 0) return;
    const connection = this.#connection;
    const { time, statistics } = connection.core;
    const patience = keepAlive * 1500;
    const wait = (milliseconds: number): void => {
      const due = time.elapsed() + milliseconds;
      this.#cancelSilence = time.setTimer(milliseconds, () => {
        if (time.elapsed() - due > stoodStill) return wait(stoodStill);
        const left = connection.heardAt + patience - time.elapsed();
        if (left >= 1) return wait(left);
        // Whom we do not read is not silent by its own fault.
        if (connection.isPaused) return wait(patience);
        statistics.disconnectedKeepAlive++;
        connection.end({ how: "keepAlive", code: reason.keepAliveTimeout });
      });
    };
    wait(patience);
  }

  /** Milliseconds since the epoch, in place of what was said before. */
  expireAt(instant: number | undefined): void {
    this.#cancelExpiry();
    if (instant === undefined) return;
    const connection = this.#connection;
    const { time } = connection.core;
    const expire = () => connection.end({ how: "expired", code: reason.maximumConnectTime });
    this.#cancelExpiry = after(time, instant - time.now(), expire);
  }

  stop(): void {
    this.#cancelSilence();
    this.#cancelExpiry();
    this.#cancelSilence = this.#cancelExpiry = nothing; // what is stopped twice is counted once
  }

  /** The other side gets what was written, and a while to hang up too. */
  hangUp(socket: Duplex): void {
    if (socket.destroyed) return;
    const { time, limits } = this.#connection.core;
    // Reads on without listening: a paused socket would never see the other's end.
    socket.resume();
    socket.end();
    this.#cancelSilence = time.setTimer(limits.closeDeadline, () => socket.destroy());
  }
}
