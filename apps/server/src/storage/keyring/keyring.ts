import { setImmediate } from "node:timers/promises";
import { derive } from "@holdfast/crypto";
import { Refusal, type Clock, type Instant, type Random } from "@holdfast/kernel";
import { RecentKeys } from "./cache.ts";
import type { Epochs } from "./epochs.ts";
import { sealBackup, type Saved } from "./backup.ts";
import { openKeyring, type Site } from "./site.ts";
import {
  spanOf,
  type DataBackup,
  type Entry,
  type Epoch,
  type KeyKind,
  type KeyStore,
  type Made,
  type Place,
  type Past,
  type Revocation,
  type Ruling,
  type Span,
} from "./store.ts";
import { Shared, Turns } from "./turns.ts";

const keyLength = 32;
const root: Place = { kind: "root", name: "instance" };
const attempts = 3;
const keysKept = 50_000; // about 10 MB
const atOnce = 250; // a few milliseconds: the thread is given back between

type Parts = { readonly store: KeyStore; readonly epochs: Epochs; readonly clock: Clock; readonly random: Random };
type Ages = Readonly<Record<"root" | "org" | Span, Made | undefined>>;
type Waiting = Place & { key: Uint8Array; resolve: (key: Uint8Array) => void; reject: (error: unknown) => void };

/**
 * The keys, apart from the data. What is made here is random, wrapped by the epoch key, which the KEK wraps; what was erased is
 * gone from here for ever. One server uses a keyring; `holdfast keys` may read it meanwhile.
 */
export class Keyring {
  /** Made once. The database keeps it too: where they differ, these keys are not of those data. */
  readonly instance: string;
  /** Whether this start made it. */
  readonly fresh: boolean;
  readonly #needs: Parts;
  readonly #root: Uint8Array;
  readonly #recent = new RecentKeys(keysKept);
  readonly #writing = new Turns();
  readonly #waiting = new Map<string, Waiting>();
  #erasures = 0;
  readonly #renewals = {
    lasting: new Shared(() => this.#renew("lasting")),
    passing: new Shared(() => this.#renew("passing")),
  };

  private constructor(needs: Parts, found: { instance: string; fresh: boolean; root: Uint8Array }) {
    this.#needs = needs;
    this.instance = found.instance;
    this.fresh = found.fresh;
    this.#root = found.root;
  }

  /** Opens the keyring of a server, and makes it where there is none. @throws Refusal `keyring.sealed`, `keyring.unreachable`, `storage.newer` */
  static async open(site: Site): Promise<Keyring> {
    const { store, epochs, fresh } = await openKeyring(site, "or begin");
    const keyring = await Keyring.#of({ ...site, store, epochs }, fresh);
    try {
      await keyring.#finishErasing(await store.epochs());
      return keyring;
    } catch (error) {
      await keyring.close();
      throw error;
    }
  }

  /** Opens one that there is, beside the server that uses it: for `holdfast keys backup`. @throws also Refusal `keyring.unreachable` where there is none */
  static async openBeside(site: Site): Promise<Keyring> {
    const { store, epochs } = await openKeyring(site, "or refuse");
    return Keyring.#of({ ...site, store, epochs }, false);
  }

  static async #of(needs: Parts, fresh: boolean): Promise<Keyring> {
    const { store, epochs, clock, random } = needs;
    try {
      const entry = await store.find(root);
      if (!entry) throw new Error("the keyring has no root key");
      const found = { instance: epochs.instance, fresh, root: epochs.unwrap(entry) };
      return new Keyring({ store, epochs, clock, random }, found);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** 32 bytes for a purpose that is no organisation's: the passwords of the database's roles, the index of e-mail addresses. */
  instanceKey(purpose: string): Uint8Array {
    return derive(this.#root, `instance/${purpose}`);
  }

  /**
   * A new random key of 32 bytes, not to be written to, durable once it is answered. Those asked for in one turn of the event loop share one write: make
   * many by asking for all before awaiting any. A name has one key ever: making a second is a fault.
   */
  make(kind: KeyKind, name: string): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const at = nameOf({ kind, name });
      if (this.#waiting.has(at)) throw new Error(`a key for this ${kind} is being made already`);
      if (this.#waiting.size === 0) void this.#writing.take(() => this.#addWaiting());
      this.#waiting.set(at, { kind, name, key: this.#needs.random.bytes(keyLength), resolve, reject });
    });
  }

  /** The key, or `undefined` when it was never made or was erased. @throws Refusal `seal.broken` when somebody altered the keyring */
  async find(kind: KeyKind, name: string): Promise<Uint8Array | undefined> {
    const known = this.cached(kind, name);
    if (known) return known;
    const erasures = this.#erasures;
    const key = await this.#read({ kind, name });
    if (key && erasures === this.#erasures) this.#recent.set(nameOf({ kind, name }), key);
    return key;
  }

  /** The key when it is in memory: for where nothing may be awaited. */
  cached(kind: KeyKind, name: string): Uint8Array | undefined {
    return this.#recent.get(nameOf({ kind, name }));
  }

  /** Which of these there still are. A keyring that holds what the data say was erased is an older copy, and a start destroys it again. */
  async holding(kind: KeyKind, names: readonly string[]): Promise<readonly string[]> {
    const found = await this.#needs.store.present(names.map((name) => ({ kind, name })));
    return found.map(({ name }) => name);
  }

  /** Which of these were erased. A name that is neither held nor erased has a key that this keyring never had: it is of an older backup. */
  async erased(kind: KeyKind, names: readonly string[]): Promise<readonly string[]> {
    const found = await this.#needs.store.gone(names.map((name) => ({ kind, name })));
    return found.map(({ name }) => name);
  }

  /**
   * Destroys keys for ever. When it is answered they are out of the store and out of memory here, every survivor is wrapped by a new epoch key,
   * and the old one, without which older copies of the rows are noise, is out of the store's files. Safe to repeat after a failure.
   */
  async erase(kind: KeyKind, names: readonly string[]): Promise<void> {
    const { store, clock } = this.#needs;
    const at = clock.now();
    await this.#writing.take(() => store.erase(names.map((name) => ({ kind, name, at }))));
    this.#forget(kind, names);
    await this.#renewals[spanOf(kind)].ask();
  }

  /** The same for keys of log segments, of which there are many a day. Nothing remembers their names. */
  async destroySegments(names: readonly string[]): Promise<void> {
    const { store } = this.#needs;
    await this.#writing.take(() => store.destroy(names.map((name) => ({ kind: "segment", name }))));
    this.#forget("segment", names);
    await this.#renewals.passing.ask();
  }

  /** A secret kept for a part of the platform: a private key of the CA. */
  secret(name: string): Promise<Uint8Array | undefined> {
    return this.#read({ kind: "secret", name });
  }

  /** Replaces one of the same name. Durable once it is answered. */
  async keepSecret(name: string, bytes: Uint8Array): Promise<void> {
    const { store, epochs, clock } = this.#needs;
    await this.#writing.take(() => store.put(epochs.wrap({ kind: "secret", name }, bytes, clock.now())));
  }

  /** Revocations, and what was decided last, kept away from the data so that restoring a backup of the data revives nothing. */
  readonly journal = {
    /** Durable once it is answered. */
    append: (revocations: readonly Revocation[]): Promise<void> => this.#needs.store.revoked(revocations),
    /** The last of each thing and kind of caller, in the order of `seq`. */
    all: (): Promise<readonly Revocation[]> => this.#needs.store.revocations(),
    /** Of one thing, whatever organisation it was ended in. */
    of: (about: string): Promise<readonly Revocation[]> => this.#needs.store.revocations(about),
    /** All of them, or none; durable once it is answered. */
    rule: (rulings: readonly Ruling[]): Promise<void> => this.#needs.store.ruled(rulings),
    /** The last about each thing, of each of these kinds. */
    rulings: (kinds: readonly string[]): Promise<readonly Ruling[]> => this.#needs.store.rulings(kinds),
    lastSeq: (): Promise<number> => this.#needs.store.lastSeq(),
    letGo: (past: Past): Promise<void> => this.#needs.store.letGo(past),
    /** By then anything that was let go of was over: no clock may go back behind it. */
    letGoBy: (): Promise<Instant> => this.#needs.store.letGoBy(),
  };

  /** Backups of the data: which of them this keyring has heard of, and so whether it knows what was revoked after one. */
  readonly backups = {
    /** Durable once it is answered. */
    note: (backup: DataBackup): Promise<void> => this.#needs.store.noteData(backup),
    knows: async (id: string): Promise<boolean> =>
      (await this.#needs.store.dataBackups()).some((backup) => backup.id === id),
    /** When the last one that is good was begun. */
    lastGood: async (): Promise<Instant | undefined> =>
      (await this.#needs.store.dataBackups())
        .filter(({ isGood }) => isGood)
        .map(({ at }) => at)
        .toSorted((a, b) => a - b)
        .at(-1),
  };

  /** How old the keys above others are: the root, an organisation's, and the epoch keys that wrap what is made now. */
  async ages(org: string): Promise<Ages> {
    const { store, epochs } = this.#needs;
    const [ofRoot, ofOrg] = await Promise.all([store.find(root), store.find({ kind: "org", name: org })]);
    const exactly = (entry: Entry | undefined): Made | undefined => entry && { at: entry.madeAt, known: "exactly" };
    return {
      root: exactly(ofRoot),
      org: exactly(ofOrg),
      lasting: epochs.made("lasting"),
      passing: epochs.made("passing"),
    };
  }

  /** For the console and the posture: when the last backup was made, and how many keys it does not hold (segments aside, which come and go). */
  async status(): Promise<{ backedUpAt: Instant | undefined; keys: number; keysSinceBackup: number }> {
    const { store } = this.#needs;
    const [state, { all, sinceBackup }] = await Promise.all([store.state(), store.count()]);
    return { backedUpAt: state?.backedUpAt, keys: all, keysSinceBackup: sinceBackup };
  }

  /**
   * Everything, sealed to a passphrase, as of one moment. It counts as made once `keep` has put it where it belongs. A backup opens what its keys
   * open for ever, also what is erased later. @throws Refusal `password.weak`
   */
  async backup(passphrase: string, keep: (sealed: Uint8Array) => Promise<void>): Promise<void> {
    const { store, clock, random } = this.#needs;
    const at = clock.now();
    await keep(await sealBackup(await this.#saved(at), passphrase, random));
    await store.backedUp(at);
  }

  async close(): Promise<void> {
    await Promise.all([this.#renewals.lasting.idle(), this.#renewals.passing.idle()]);
    await this.#writing.take(async () => undefined); // what was asked for is finished
    await this.#needs.store.close();
  }

  async #saved(at: Instant): Promise<Saved> {
    const { store, epochs } = this.#needs;
    const contents = await store.contents();
    if (!contents) throw new Error("the keyring has lost its contents");
    const { state, entries, erased, revocations, rulings, letGoBy } = contents;
    const then = epochs.at(contents.epochs); // an erasure may replace the epoch while this goes on
    const keys: Saved["keys"][number][] = [];
    for (const entry of entries) {
      keys.push({ kind: entry.kind, name: entry.name, madeAt: entry.madeAt, key: then.unwrap(entry) });
      if (keys.length % atOnce === 0) await setImmediate();
    }
    return { instance: state.instance, at, keys, erased, revocations, rulings, letGoBy };
  }

  async #addWaiting(): Promise<void> {
    await setImmediate(); // until then others may join
    const { store, epochs, clock } = this.#needs;
    const together = this.#waiting.values().take(atOnce).toArray();
    for (const one of together) this.#waiting.delete(nameOf(one));
    if (this.#waiting.size > 0) void this.#writing.take(() => this.#addWaiting());
    try {
      const now = clock.now();
      const added = await store.add(together.map((one) => epochs.wrap(one, one.key, now)));
      for (const [i, { kind, name, key, resolve, reject }] of together.entries()) {
        if (!added[i]) {
          reject(new Error(`there is, or was, a key for this ${kind}`));
          continue;
        }
        this.#recent.set(nameOf({ kind, name }), key);
        resolve(key);
      }
    } catch (error) {
      for (const { reject } of together) reject(error);
    }
  }

  async #read(place: Place): Promise<Uint8Array | undefined> {
    const { store, epochs } = this.#needs;
    // The epoch key may be replaced between the two questions, by this server or by the one we are beside.
    for (let attempt = 1; ; attempt += 1) {
      const entry = await store.find(place);
      if (!entry) return undefined;
      if (!epochs.knows(entry.epoch)) epochs.admit(await store.epochs());
      if (epochs.knows(entry.epoch) || attempt === attempts) return epochs.unwrap(entry);
    }
  }

  #forget(kind: KeyKind, names: readonly string[]): void {
    this.#erasures += 1; // whoever is reading one of them now does not keep it
    for (const name of names) this.#recent.delete(nameOf({ kind, name }));
  }

  /** After a stop in the midst of an erasure: what was erased is out already, its epoch key is not, or is still in the files. */
  async #finishErasing(epochs: readonly Epoch[]): Promise<void> {
    const spans = Object.keys(this.#renewals) as Span[]; // the keys of a constant
    const open = spans.filter((span) => epochs.filter((epoch) => epoch.span === span).length > 1);
    await Promise.all(open.map((span) => this.#renewals[span].ask()));
    if (open.length > 0) return;
    await this.#needs.store.scrub("epochs").catch((error: unknown) => {
      // Somebody reads just now. That is no reason not to start: every later erasure does it again.
      if (!(error instanceof Refusal)) throw error;
    });
  }

  /** Replaces the epoch key of a span: survivors are wrapped by a new one, the old one is destroyed. */
  async #renew(span: Span): Promise<void> {
    const { store, epochs } = this.#needs;
    // In turn with other writes: from here on they use the new epoch, so one pass over the older ones meets them all.
    await this.#writing.take(async () => {
      const next = epochs.next(span, this.#needs.clock.now());
      await store.addEpoch(next);
      epochs.admit([next]);
    });
    const current = epochs.current(span);
    let after: Place | undefined;
    for (;;) {
      const old: readonly Entry[] = await store.outdated(span, current, after, atOnce);
      after = old.at(-1);
      if (!after) break;
      const renewed = old.map((entry) => epochs.wrap(entry, epochs.unwrap(entry), entry.madeAt));
      await store.rewrap(renewed, old);
      await setImmediate();
    }
    await store.dropEpochsBefore(span, current);
    epochs.forgetBefore(span, current);
    await store.scrub(span === "lasting" ? "everything" : "epochs");
  }
}

const nameOf = ({ kind, name }: Place): string => `${kind}/${name}`;
