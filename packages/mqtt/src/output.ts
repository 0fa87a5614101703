// Hot path: bytes for one connection, collected in a pooled block and written once per turn of the event loop.
import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

const small = 1024;
const large = 65_536;
const nothing = Buffer.alloc(0);

/** Blocks that wait for their next use. */
export class Blocks {
  readonly #small: Buffer[] = [];
  readonly #large: Buffer[] = [];

  /** At least so many bytes. A connection begins with a small block, so that ten thousand of them do not take 64 KiB each. */
  take(size: number): Buffer {
    if (size <= small) return this.#small.pop() ?? Buffer.allocUnsafeSlow(small);
    if (size <= large) return this.#large.pop() ?? Buffer.allocUnsafeSlow(large);
    return Buffer.allocUnsafeSlow(size);
  }

  give(block: Buffer): void {
    if (block.length === small && this.#small.length < 4096) this.#small.push(block);
    else if (block.length === large && this.#large.length < 256) this.#large.push(block);
  }
}

export class Output {
  /** Where to write: valid from `reserve` until the next call. */
  block: Buffer | null = null;
  /** Bytes collected and handed to the socket that have not left. */
  waiting = 0;
  written = 0;
  readonly #socket: Duplex;
  /** A socket has copied or sent what it was given when it says so; any other stream may hand the same bytes on, and read them later. */
  readonly #isSocket: boolean;
  readonly #blocks: Blocks;
  /** Given to the socket, in order; each with how much of it was used. */
  readonly #underWay: Buffer[] = [];
  readonly #underWayLengths: number[] = [];
  #length = 0;
  readonly #left: () => void;
  /** Whether a write has most likely left when the call returns, as into a TCP socket that is not full. */
  #isPrompt: boolean;
  readonly #canBePrompt: boolean;

  /** `drained` is called when something has left the process. */
  constructor(socket: Duplex, blocks: Blocks, drained: () => void) {
    this.#socket = socket;
    this.#isSocket = socket instanceof Socket;
    this.#blocks = blocks;
    this.#canBePrompt = this.#isPrompt = socket instanceof Socket && !(socket instanceof TLSSocket);
    this.#left = () => {
      const block = this.#isSocket ? this.#underWay.shift() : undefined;
      if (block) this.#blocks.give(block);
      this.waiting -= this.#underWayLengths.shift() ?? 0;
      if (this.#underWay.length === 0) this.#isPrompt = this.#canBePrompt;
      drained();
    };
  }

  /** Makes room for a whole packet of so many bytes and returns where in `block` it begins. */
  reserve(size: number): number {
    const at = this.#length;
    this.waiting += size;
    if (this.block !== null && at + size <= this.block.length) {
      this.#length = at + size;
      return at;
    }
    return this.#makeRoom(size);
  }

  #makeRoom(size: number): number {
    const at = this.#length;
    const old = this.block;
    if (old !== null && old.length < large && at + size <= large) {
      const bigger = this.#blocks.take(large);
      old.copy(bigger, 0, 0, at);
      this.#blocks.give(old);
      this.block = bigger;
      this.#length = at + size;
      return at;
    }
    if (old !== null) this.flush();
    this.block = this.#blocks.take(size);
    this.#length = size;
    return 0;
  }

  /** Appends the whole packet `bytes[from, to)` and returns where in `block` it begins. */
  append(bytes: Buffer, from: number, to: number): number {
    const at = this.reserve(to - from);
    // reserve made the block
    bytes.copy(this.block!, at, from, to);
    return at;
  }

  flush(): void {
    const block = this.block;
    const length = this.#length;
    if (block === null) return;
    this.block = null;
    this.#length = 0;
    this.written += length;
    if (this.#socket.destroyed || this.#socket.writableEnded) {
      this.waiting -= length;
      this.#blocks.give(block);
      return;
    }
    let bytes = length === block.length ? block : block.subarray(0, length);
    if (this.#isPrompt) {
      // Without a callback: it would cost as much as the write.
      this.#socket.write(bytes);
      if (this.#socket.writableLength === 0) {
        this.waiting -= length;
        this.#blocks.give(block);
        return;
      }
      this.#isPrompt = false;
      bytes = nothing;
    }
    this.#underWayLengths.push(length);
    if (this.#isSocket) this.#underWay.push(block);
    else {
      bytes = Buffer.from(bytes);
      this.#blocks.give(block);
    }
    // Called when this and all before it has left: with nothing, when the bytes were handed over already.
    this.#socket.write(bytes, this.#left);
  }

  /** Forgets what was collected but not handed to the socket. */
  discard(): void {
    if (this.block === null) return;
    this.waiting -= this.#length;
    this.#blocks.give(this.block);
    this.block = null;
    this.#length = 0;
  }
}
