// Hot path: `receive` runs for every frame and every datagram that somebody calls one.
import { readFrame, type Frame } from "@holdfast/crypto";
import { because, Refusal, type Clock, type Instant, type Random, type Report } from "@holdfast/kernel";
import type { SocketMode } from "@holdfast/protocol";
import type { Accounts } from "../accounting/index.ts";
import {
  cameBySocket,
  Unwelcome,
  type Authentication,
  type Caller,
  type OnRefusal,
  type SocketAddresses,
  type Space,
  type Spaces,
} from "../authority/index.ts";
import type { LiveRefusals, Strangers } from "../live/index.ts";
import type { MessageLog, Presences } from "../messages/index.ts";
import type { Storage } from "../storage/index.ts";
import { codeOf, type Telemetry } from "../telemetry/index.ts";
import { addressOfLine, lineAt } from "./address.ts";
import { Answer, outcomeOf, type Sender } from "./answer.ts";
import { bodyOf } from "./body.ts";
import { Failures } from "./failures.ts";
import { Peer, type Way } from "./peer.ts";
import { Waking, type Come } from "./waking.ts";
import { Windows } from "./windows.ts";

/** Frames of one secret that wait for their commit. What comes beyond is lost, and sent again. */
const mostUnderWay = 256;
/** Secrets of which nothing was heard for so long are forgotten, where there are more than so many. */
const mostIdle = 50_000;
const idleAfter = 600_000; // milliseconds
const second = 1_000;

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly authentication: Authentication;
  readonly socketAddresses: SocketAddresses;
  readonly telemetry: Telemetry;
  readonly presences: Presences;
  readonly accounts: Accounts;
  readonly log: MessageLog;
  readonly live: Pick<LiveRefusals, "isWatched" | "tell">;
  readonly strangers: Strangers;
  readonly refused: OnRefusal;
  readonly clock: Clock;
  readonly random: Random;
  readonly networkOf: (address: string) => string;
  readonly report: Report;
};

/** What is kept together with a frame, and what is done once it is, or is not. */
type Then = {
  readonly mark?: () => Uint8Array;
  kept?(): void;
  /** `isCertain`: nothing of it was given to the database. */
  lost?(code: number, isCertain: boolean): void;
};

const nobodyWaits: Then = {};

/** What is read of an organisation's windows, and what came of it. */
type Reading = { readonly reading: Promise<Windows>; windows: Windows | undefined };

/** Frames of direct sockets (docs/sockets.md): whose each is, whether it was there before, and what becomes of it. */
export class Sockets {
  readonly #needs: Needs;
  readonly #peers = new Map<number, Peer>();
  readonly #waking: Waking;
  readonly #windows = new WeakMap<Space, Reading>();
  /** Of these nobody has to be told more, and of those nothing more is looked into: apart, so that whoever knows no address shuts nobody out. */
  readonly #unknown: Failures;
  readonly #forged: Failures;
  #isClosed = false;
  readonly statistics = { kept: 0, again: 0, unknown: 0, forged: 0, refused: 0, lost: 0 };

  constructor(needs: Needs) {
    this.#needs = needs;
    const seed = new DataView(needs.random.bytes(4).buffer).getInt32(0);
    this.#unknown = new Failures({ ...needs, seed });
    this.#forged = new Failures({ ...needs, seed });
    this.#waking = new Waking({ report: needs.report, read: this.#read.bind(this), woke: this.#woke.bind(this) });
  }

  /** One datagram, or one frame of a connection. `bytes` are the caller's only until it returns. Never throws for what stands in them. */
  receive(bytes: Uint8Array, sender: Sender): void {
    const frame = readFrame(bytes);
    const address = frame ? frame.address : addressOfLine(bytes);
    if (address === undefined || this.#isClosed) return this.#strange(sender);
    const peer = this.#peers.get(address);
    if (peer && !peer.isOver) return this.#take(peer, frame, bytes, sender);
    if (peer) this.#peers.delete(address);
    if (!this.#needs.socketAddresses.of(address)) return this.#strange(sender);
    if (!this.#waking.wait(address, { bytes: new Uint8Array(bytes), sender })) this.statistics.lost += 1;
  }

  /** Each minute: lets go of secrets that have been silent, when there are many. */
  round(): void {
    if (this.#peers.size <= mostIdle) return;
    const before = this.#needs.clock.elapsed() - idleAfter;
    for (const [address, peer] of this.#peers)
      if (peer.underWay === 0 && peer.usedAt < before) this.#peers.delete(address);
  }

  /** Takes nothing more. */
  close(): void {
    this.#isClosed = true;
  }

  #strange(sender: Sender): void {
    this.statistics.unknown += 1;
    sender.turnAway();
    // Whoever floods us is told of so often, and no more.
    if (!this.#unknown.take(sender.address)) return;
    const way = { address: sender.address, transport: "socket" } as const;
    this.#needs.strangers.tellRefused(unknownFrame, way);
  }

  #woke(address: number, peer: Peer | undefined, come: readonly Come[]): void {
    if (peer) this.#peers.set(address, peer);
    for (const { bytes, sender } of come) {
      if (peer && !peer.isOver) this.#take(peer, readFrame(bytes), bytes, sender);
      else this.statistics.lost += 1;
    }
  }

  /** All that a frame of this secret needs, in memory. @throws Refusal, where it cannot be had now */
  async #read(address: number): Promise<Peer | undefined> {
    const { spaces, authentication, socketAddresses, telemetry, presences, accounts, log } = this.#needs;
    const whose = socketAddresses.of(address);
    if (!whose) return undefined;
    const space = await spaces.of(whose.org);
    const credential = await authentication.credential(space, whose.credential);
    const { device, socket } = credential ?? {};
    if (!credential || !device || !socket) {
      socketAddresses.remove(address);
      return undefined;
    }
    await telemetry.prepare(space, device);
    await presences.in(space);
    await log.ready(space);
    const account = await accounts.ready(space);
    const windows = await this.#windowsOf(space);
    return new Peer(address, { ...credential, device, socket }, { space, windows, account });
  }

  /** One for all devices of the organisation, however many ask at once: two would each write anew what they know, and forget what the other does. */
  #windowsOf(space: Space): Promise<Windows> {
    const there = this.#windows.get(space);
    if (there && !there.windows?.isDoubtful) return there.reading;
    const { socketAddresses } = this.#needs;
    const isKnown = (address: number) => socketAddresses.of(address) !== undefined;
    const now: Reading = { reading: Windows.read({ ...this.#needs, isKnown }, space), windows: undefined };
    this.#windows.set(space, now);
    now.reading.then(
      (windows) => (now.windows = windows),
      () => this.#windows.get(space) === now && this.#windows.delete(space),
    );
    return now.reading;
  }

  #take(peer: Peer, frame: Frame | undefined, bytes: Uint8Array, sender: Sender): void {
    try {
      if (frame) this.#takeFrame(peer, frame, bytes, sender);
      else this.#takeLine(peer, bytes, sender);
    } catch (fault) {
      this.#needs.report("A frame met a fault of our own.", because(fault));
    }
  }

  #takeFrame(peer: Peer, frame: Frame, bytes: Uint8Array, sender: Sender): void {
    const { address, mode, boot, counter } = frame;
    const standing = peer.windows.of(address, boot, counter);
    // Nobody has to look into what would not be kept in any case.
    if (standing === "past") return this.#refuse(peer, sender, bytes, past);
    // Of a network that is beyond its bound only those are looked into who vouched for themselves from there: whoever writes another's address into
    // his datagrams costs us little, and shuts out nobody who is there already.
    if (!peer.hasVouched(boot, sender.address) && this.#forged.isBeyond(sender.address)) {
      this.statistics.lost += 1;
      return;
    }
    const opened = peer.open(frame, bytes);
    if (!opened) {
      this.statistics.forged += 1;
      if (!this.#forged.take(sender.address)) return sender.turnAway();
      this.#needs.refused({ space: peer.space, actor: { kind: "platform" } }, "connect", peer.id, wrongTag);
      return this.#refuse(peer, sender, bytes, forged, wrongTag);
    }
    peer.vouchedFrom = sender.address;
    const { payload, keys } = opened;
    const answer = frame.wantsAnswer ? new Answer(peer, keys, counter, sender) : undefined;
    if (standing === "had") {
      // The answer was lost, or somebody plays it again: what was said is said again, no longer than what asked for it.
      this.statistics.again += 1;
      return answer?.say("kept");
    }
    if (standing === "waiting") return;
    const way = this.#way(peer, mode, sender.address);
    if (way.refusal) return this.#turnAway(peer, way, sender, answer);
    if (peer.underWay >= mostUnderWay) {
      this.statistics.lost += 1;
      return;
    }
    const refusal = this.#deliver(peer, way, payload, frame.isText, bytes.length, {
      mark: () => peer.windows.take(address, boot, counter),
      kept: () => {
        peer.windows.keep(address, boot, counter);
        answer?.say("kept");
      },
      lost: (code, isCertain) => {
        peer.windows.drop(address, boot, counter);
        // Whether it was kept is not known: what was, is read again.
        if (!isCertain) peer.windows.isDoubtful = true;
        answer?.say(outcomeOf(code));
      },
    });
    if (refusal) answer?.say(outcomeOf(codeOf(refusal)));
  }

  /** Text that nobody vouches for: it is not answered, whatever becomes of it. */
  #takeLine(peer: Peer, bytes: Uint8Array, sender: Sender): void {
    const way = this.#way(peer, "plain", sender.address);
    if (way.refusal) return this.#turnAway(peer, way, sender);
    if (peer.underWay >= mostUnderWay) this.statistics.lost += 1;
    else this.#deliver(peer, way, bytes.subarray(lineAt), true, bytes.length, nobodyWaits);
  }

  #deliver(
    peer: Peer,
    { caller }: Way,
    payload: Uint8Array,
    isText: boolean,
    size: number,
    then: Then,
  ): Refusal | undefined {
    const { telemetry, presences, clock } = this.#needs;
    const { space, device, account, meter } = peer;
    peer.usedAt = clock.elapsed();
    const refusal = overdrawnBy(caller) ?? account.requestRefusal() ?? account.deliveryRefusal();
    if (refusal) return this.#refused(peer, refusal, size);
    let body;
    try {
      body = bodyOf(payload, isText, peer.attributes);
    } catch (error) {
      if (error instanceof Refusal) return this.#refused(peer, error, size);
      throw error;
    }
    const mark = then.mark?.();
    peer.underWay += 1;
    const settle = (code: number): void => {
      peer.underWay -= 1;
      if (code !== 0) return then.lost?.(code, false);
      this.statistics.kept += 1;
      presences.heard(space, device, clock.now());
      then.kept?.();
    };
    const source = { space, device, via: "socket", credential: peer.id, meter } as const;
    meter.requests += 1;
    meter.bytesIn += size;
    const wrong = telemetry.accept(source, body.bytes, body.kind, { mark, settle });
    if (!wrong) return undefined;
    // Whoever watches was told.
    peer.underWay -= 1;
    this.statistics.refused += 1;
    then.lost?.(codeOf(wrong), true);
    return undefined;
  }

  /** What authority says, once for as long as it holds. */
  #way(peer: Peer, mode: SocketMode, address: string): Way {
    const known = peer.ways[mode];
    const { cell } = peer.space;
    if (known && known.epoch === cell.epoch && known.address === address && !isPast(known.until, this.#needs.clock))
      return known;
    const way = { address, epoch: cell.epoch, ...this.#ask(peer, mode, address) };
    peer.ways[mode] = way;
    return way;
  }

  #ask({ space, credential, device }: Peer, mode: SocketMode, address: string): Omit<Way, "address" | "epoch"> {
    try {
      const caller = this.#needs.authentication.admit({ space, credential }, cameBySocket(mode, address));
      caller.permit("telemetry.write", device);
      return { caller, until: caller.expiresAt, refusal: undefined };
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      // Hours may begin, of which nobody tells.
      const until = (this.#needs.clock.now() + second) as Instant; // milliseconds both
      return { caller: undefined, until, refusal };
    }
  }

  /** Of whoever has vouched for the frame, and may not. */
  #turnAway(peer: Peer, { refusal }: Way, sender: Sender, answer?: Answer): void {
    if (!refusal) return;
    this.statistics.refused += 1;
    const { space, device, id } = peer;
    const why = Unwelcome.in(refusal);
    if (this.#needs.live.isWatched(space))
      this.#needs.live.tell({
        space,
        device,
        refusal,
        transport: "socket",
        action: "connect",
        credential: id,
        ...(why && { because: () => why.because, detail: why.toWatchers }),
      });
    // A secret that is over is worth no answer.
    if (refusal.code === "credential.invalid" || refusal.code === "credential.expired") sender.turnAway();
    else answer?.say("later");
  }

  /** Nobody has vouched for it: it is not answered. */
  #refuse(peer: Peer, sender: Sender, bytes: Uint8Array, refusal: Refusal, why?: string): void {
    this.statistics.refused += 1;
    sender.turnAway();
    const { space, device, id } = peer;
    if (!this.#needs.live.isWatched(space)) return;
    const about = { action: "telemetry.write", transport: "socket", size: bytes.length, credential: id } as const;
    this.#needs.live.tell({ space, device, refusal, ...about, ...(why !== undefined && { because: () => why }) });
  }

  #refused({ space, device, id }: Peer, refusal: Refusal, size: number): Refusal {
    this.statistics.refused += 1;
    const about = { action: "telemetry.write", transport: "socket", size, credential: id } as const;
    this.#needs.live.tell({ space, device, refusal, ...about });
    return refusal;
  }
}

const past = new Refusal("frame.past");
const wrongTag = "a frame whose tag is not of this secret";
const forged = new Refusal("credential.invalid");
const unknownFrame = new Refusal("credential.invalid");

const isPast = (until: number | undefined, clock: Clock): boolean => until !== undefined && clock.now() >= until;

function overdrawnBy(caller: Caller | undefined): Refusal | undefined {
  try {
    caller?.draw();
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
