// Hot path: bytes for one connection, collected in a pooled block and written once per turn of the event loop.
import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

const small = 1024;
const large = 65_536;
const nothing = Buffer.alloc(0);

/** Bytes to be written into, and how many of them were. */
class Block {
  readonly bytes: Buffer;
  length = 0;
  /** The one behind it on its way. */
  next: Block | undefined = undefined;
  /** Its beginning, as it was last written: acknowledgements are all of one length, and a view costs more than its bytes. */
  #part: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = this.#part = bytes;
  }

  get part(): Buffer {
    if (this.#part.length !== this.length) this.#part = this.bytes.subarray(0, this.length);
    return this.#part;
  }
}

/** Blocks that wait for their next use. */
export class Blocks {
  readonly #small: Block[] = [];
  readonly #large: Block[] = [];

  /** At least so many bytes. A connection begins with a small block, so that ten thousand of them do not take 64 KiB each. */
  take(size: number): Block {
    if (size <= small) return this.#small.pop() ?? new Block(Buffer.allocUnsafeSlow(small));
    if (size <= large) return this.#large.pop() ?? new Block(Buffer.allocUnsafeSlow(large));
    return new Block(Buffer.allocUnsafeSlow(size));
  }

  give(block: Block): void {
    const size = block.bytes.length;
    block.length = 0;
    block.next = undefined;
    if (size === small && this.#small.length < 4096) this.#small.push(block);
    else if (size === large && this.#large.length < 256) this.#large.push(block);
  }
}

export class Output {
  /** Bytes collected and handed to the socket that have not left. */
  waiting = 0;
  written = 0;
  #block: Block | undefined;
  readonly #socket: Duplex;
  /** A socket has copied or sent what it was given when it says so; any other stream may hand the same bytes on, and read them later. */
  readonly #isSocket: boolean;
  readonly #blocks: Blocks;
  // Given to the socket, in order.
  #first: Block | undefined;
  #last: Block | undefined;
  readonly #left: () => void;
  #lackedRoom = false;
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
      const block = this.#first;
      if (!block) throw new Error("something left that was not given");
      this.waiting -= block.length;
      this.#first = block.next;
      if (!this.#first) {
        this.#last = undefined;
        this.#isPrompt = this.#canBePrompt;
      }
      if (this.#isSocket) this.#blocks.give(block);
      drained();
    };
  }

  /** Of what was written, so much has left the process. */
  get left(): number {
    return this.written + (this.#block?.length ?? 0) - this.waiting;
  }

  /** Whether no more than so many bytes are waiting. */
  hasRoom(most: number): boolean {
    if (this.waiting <= most) return true;
    this.#lackedRoom = true;
    return false;
  }

  /** Whether somebody was told no since this was asked last, and waits. */
  hadNoRoom(): boolean {
    if (!this.#lackedRoom) return false;
    this.#lackedRoom = false;
    return true;
  }

  /** Where to write: valid from `reserve` until the next call. */
  get block(): Buffer | undefined {
    return this.#block?.bytes;
  }

  /** Makes room for a whole packet of so many bytes and returns where in `block` it begins. */
  reserve(size: number): number {
    this.waiting += size;
    const block = this.#block;
    if (block === undefined || block.length + size > block.bytes.length) return this.#makeRoom(size);
    const at = block.length;
    block.length = at + size;
    return at;
  }

  #makeRoom(size: number): number {
    const old = this.#block;
    const at = old?.length ?? 0;
    if (old && old.bytes.length < large && at + size <= large) {
      const bigger = this.#blocks.take(large);
      old.bytes.copy(bigger.bytes, 0, 0, at);
      this.#blocks.give(old);
      this.#block = bigger;
      bigger.length = at + size;
      return at;
    }
    if (old) this.flush();
    this.#block = this.#blocks.take(size);
    this.#block.length = size;
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
    const block = this.#block;
    if (!block) return;
    this.#block = undefined;
    this.written += block.length;
    if (this.#socket.destroyed || this.#socket.writableEnded) {
      this.waiting -= block.length;
      this.#blocks.give(block);
      return;
    }
    let bytes = block.part;
    if (this.#isPrompt) {
      // Without a callback: it would cost as much as the write.
      this.#socket.write(bytes);
      if (this.#socket.writableLength === 0) {
        this.waiting -= block.length;
        this.#blocks.give(block);
        return;
      }
      this.#isPrompt = false;
      bytes = nothing;
    }
    let given = block;
    if (!this.#isSocket) {
      bytes = Buffer.from(bytes);
      given = new Block(bytes);
      given.length = bytes.length;
      this.#blocks.give(block);
    }
    if (this.#last) this.#last.next = given;
    else this.#first = given;
    this.#last = given;
    // Called when this and all before it has left: with nothing, when the bytes were handed over already.
    this.#socket.write(bytes, this.#left);
  }

  /** Forgets what was collected but not handed to the socket. */
  discard(): void {
    const block = this.#block;
    if (!block) return;
    this.waiting -= block.length;
    this.#blocks.give(block);
    this.#block = undefined;
  }
}
