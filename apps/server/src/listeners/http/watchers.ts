import { Refusal, rfc3339, type CredentialId, type Id, type Timers } from "@holdfast/kernel";
import type { LiveEnd, liveEvents, LivePresence, LiveReading, LiveStranger } from "@holdfast/protocol";
import type { Account, Accounts, EndingOfConnection, Line, Traffic } from "../../accounting/index.ts";
import type { Caller, Space, Spaces } from "../../authority/index.ts";
import { clauseOf, fit, plainly, shownTo, type LiveRefusals, type Strangers, type Told } from "../../live/index.ts";
import { sentenceOfCause, type PresenceChange, type Presences } from "../../messages/index.ts";
import { plainOf, type Stored, type Telemetry } from "../../telemetry/index.ts";

/** One open stream: who watches what, and how it is told. Nothing of it throws. */
export interface Watcher {
  readonly caller: Caller;
  readonly over: "eventStream" | "webSocket";
  /** From where. */
  readonly address: string;
  /** What it was sent so far. */
  readonly counters: Readonly<Traffic>;
  /** These devices, or all that the caller may read. */
  readonly devices: ReadonlySet<Id<"device">> | undefined;
  /** Where whoever wants to know of strangers watches from. */
  readonly lookout: string | undefined;
  /** Bytes that wait for a slow reader. */
  waiting(): number;
  /** `json` is the text of an object with at least one field. */
  send(event: keyof typeof liveEvents, json: string): void;
  /** Behind what was sent. */
  end(): void;
  /** At once, and what still waits is lost. */
  cut(): void;
}

/** What we keep of it. */
type Kept = { readonly expiry: { cancel(): void }; readonly account: Account; readonly line: Line };

const mostWaiting = 1024 * 1024; // bytes; a reader who is further behind is let go
const mostLeftBehind = 64 * 1024; // bytes that may still go out behind a revocation: they were sent before it
const mostStreams = 100; // of one credential
const farewell = 500; // milliseconds that the last event has to leave
const longestTimer = 2 ** 31 - 1;

/** All open streams. Each event is asked about again before it is sent, and a change in a space ends what it forbids in the same turn. */
export class Watchers {
  readonly #bySpace = new Map<Space, Map<Watcher, Kept>>();
  readonly #lookouts = new Set<Watcher>();
  readonly #byCredential = new Map<CredentialId, number>();
  readonly #timers: Timers;
  readonly #accounts: Accounts;

  constructor(needs: {
    spaces: Spaces;
    accounts: Accounts;
    telemetry: Telemetry;
    presences: Presences;
    refusals: LiveRefusals;
    strangers: Strangers;
    timers: Timers;
  }) {
    const { spaces, telemetry, presences, refusals, strangers } = needs;
    this.#timers = needs.timers;
    this.#accounts = needs.accounts;
    spaces.onChange((space) => this.#recheck(space));
    telemetry.onStored({
      wants: ({ space }) => this.#bySpace.has(space),
      stored: (stored) => this.#tell(stored),
      refused: ({ via, ...refused }) => refusals.tell({ ...refused, transport: via, action: "telemetry.write" }),
    });
    presences.onChange((change) => this.#tellPresence(change));
    refusals.showTo({
      wants: (space) => this.#bySpace.has(space),
      refused: (refused) => this.#tellRefused(refused),
    });
    strangers.showTo({
      wants: () => this.#lookouts.size > 0,
      came: (stranger) => this.#tellStranger(stranger),
    });
  }

  get count(): number {
    return [...this.#byCredential.values()].reduce((sum, count) => sum + count, 0);
  }

  in(space: Space): Iterable<Watcher> {
    return this.#bySpace.get(space)?.keys() ?? [];
  }

  /** Until `remove`, or until we end it. @throws Refusal `rate.exceeded`, `quota.exceeded` */
  add(watcher: Watcher): void {
    const { over, address, counters } = watcher;
    const { space, credential } = watcher.caller;
    const open = this.#byCredential.get(credential.id) ?? 0;
    if (open >= mostStreams)
      throw new Refusal("rate.exceeded", { detail: `One credential has at most ${mostStreams} streams.` });
    const account = this.#accounts.of(space);
    const admitted = account.admitConnection(over, credential);
    const transport = over === "webSocket" ? "wss" : "https";
    const line = account.begin(over, credential, { address, transport }, counters, admitted);
    this.#byCredential.set(credential.id, open + 1);
    let there = this.#bySpace.get(space);
    if (!there) this.#bySpace.set(space, (there = new Map()));
    there.set(watcher, { expiry: this.#expire(watcher), account, line });
    if (watcher.lookout !== undefined) this.#lookouts.add(watcher);
  }

  /** A second time changes nothing. */
  remove(watcher: Watcher, cause: EndingOfConnection = "goodbye"): void {
    const { space, credential } = watcher.caller;
    const there = this.#bySpace.get(space);
    const kept = there?.get(watcher);
    if (!there || !kept) return;
    kept.expiry.cancel();
    kept.account.end(kept.line, cause);
    there.delete(watcher);
    this.#lookouts.delete(watcher);
    if (there.size === 0) this.#bySpace.delete(space);
    const open = (this.#byCredential.get(credential.id) ?? 0) - 1;
    if (open > 0) this.#byCredential.set(credential.id, open);
    else this.#byCredential.delete(credential.id);
  }

  close(): void {
    const all = [...this.#bySpace.values()].flatMap((there) => [...there.keys()]);
    for (const watcher of all) this.#end(watcher, "stopped", "the platform is stopping");
  }

  #tell(stored: Stored): void {
    let texts: readonly string[] | undefined;
    for (const watcher of this.#allowed(stored)) {
      const mayRead = watcher.caller.attributesOf(stored.device);
      const shown = mayRead ? textsOf(withoutHidden(stored, mayRead)) : (texts ??= textsOf(stored));
      for (const text of shown) watcher.send("reading", text);
    }
  }

  #tellRefused(refused: Told): void {
    const plain = JSON.stringify(shownTo(refused));
    let whole: string | undefined;
    for (const watcher of this.#allowed(refused)) {
      if (mayKnowWhy(watcher)) whole ??= JSON.stringify({ ...shownTo(refused), ...clauseOf(refused) });
      watcher.send("refused", mayKnowWhy(watcher) ? (whole ?? plain) : plain);
    }
  }

  /** What a device is like, and not what it measures: that needs leave of its own. */
  #tellPresence(change: PresenceChange): void {
    let text: string | undefined;
    for (const watcher of this.#allowed(change)) {
      if (!watcher.caller.mayDevice("device.read", change.device)) continue;
      text ??= JSON.stringify(presenceOf(change));
      watcher.send("presence", text);
    }
  }

  /** What came from somebody's own address is no secret to him. Whoever runs the platform may know of all. */
  #tellStranger(stranger: LiveStranger): void {
    const text = JSON.stringify(stranger);
    for (const watcher of this.#lookouts) {
      const { caller, lookout = "" } = watcher;
      if (!caller.mayAnywhere("telemetry.read")) continue;
      if (plainly(lookout) !== stranger.address && !runsThePlatform(caller)) continue;
      if (watcher.waiting() <= mostWaiting) watcher.send("stranger", text);
    }
  }

  /** Who may have something of this device now; whoever is too far behind is let go. */
  *#allowed({ space, device }: { space: Space; device: Id<"device"> }): Generator<Watcher> {
    for (const watcher of this.#bySpace.get(space)?.keys() ?? []) {
      if (watcher.devices && !watcher.devices.has(device)) continue;
      if (!watcher.caller.mayDevice("telemetry.read", device)) continue;
      watcher.caller.noteUse("telemetry.read", device);
      if (watcher.waiting() > mostWaiting) this.#end(watcher, "slow", "you read more slowly than events come");
      else yield watcher;
    }
  }

  #recheck(space: Space): void {
    const there = this.#bySpace.get(space);
    for (const [watcher, kept] of there ?? []) {
      const { caller, devices } = watcher;
      // Of several it goes on while one of them may be watched: each event is asked about.
      const may = devices
        ? [...devices].filter((device) => caller.mayDevice("telemetry.read", device))
        : caller.mayAnywhere("telemetry.read") && [undefined];
      if (!may || may.length === 0) {
        for (const device of devices ?? []) caller.noteEndOf(device, "telemetry.read");
        this.#end(watcher, "revoked", "what you watched with was ended or changed");
        continue;
      }
      for (const device of may) caller.noteUse("telemetry.read", device);
      kept.expiry.cancel();
      there?.set(watcher, { ...kept, expiry: this.#expire(watcher) });
    }
  }

  #expire(watcher: Watcher): { cancel(): void } {
    const { expiresAt } = watcher.caller;
    if (expiresAt === undefined) return { cancel() {} };
    const wait = (): { cancel(): void } => {
      const left = Math.min(Math.max(0, expiresAt - watcher.caller.now()), longestTimer);
      return this.#timers.after(left, () => {
        if (expiresAt <= watcher.caller.now()) this.#end(watcher, "expired", "the credential has expired");
        else timer = wait();
      });
    };
    let timer = wait();
    return { cancel: () => timer.cancel() };
  }

  /** Whoever does not read is not waited for: what lies here must not reach him later. */
  #end(watcher: Watcher, cause: EndingOfConnection, because: string): void {
    const isBehind = watcher.waiting() > mostLeftBehind;
    if (!isBehind) watcher.send("end", JSON.stringify({ because } satisfies LiveEnd));
    this.remove(watcher, cause);
    if (isBehind) return watcher.cut();
    watcher.end();
    this.#timers.after(farewell, () => watcher.cut());
  }
}

/** The clause that decided tells of grants and of what was revoked: it is for those who may ask, or read of it in the audit log. */
const mayKnowWhy = ({ caller }: Watcher): boolean =>
  (["authority.explain", "audit.read"] as const).some((action) => caller.decide(action, { kind: "org" }).allowed);

/** By an action that no organisation's role holds. */
const runsThePlatform = (caller: Caller): boolean => caller.decide("org.create", { kind: "org" }).allowed;

const presenceOf = ({ device, state, at, because }: PresenceChange): LivePresence => ({
  device,
  at: rfc3339(at),
  state,
  ...(because && { because: sentenceOfCause(because) }),
});

/** As if nothing else had been sent. */
const withoutHidden = (stored: Stored, mayRead: (name: string) => boolean): Stored => ({
  ...stored,
  readings: stored.readings
    .map(({ time, values, marks }) => ({
      time,
      values: values.filter(([name]) => mayRead(name)),
      marks: marks && new Map([...marks].filter(([name]) => mayRead(name))),
    }))
    .filter(({ values }) => values.length > 0),
});

type Shown = Omit<LiveReading, "values"> & { readonly values: Readonly<Record<string, unknown>> };

function textsOf({ device, via, readings, body, topic, session }: Stored): readonly string[] {
  const way = {
    transport: via,
    size: body.length,
    ...(topic !== undefined && { topic: fit(topic) }),
    ...(session !== undefined && { session }),
  };
  return readings.map(({ time, values, marks }) => {
    const shown = Object.fromEntries(values.map(([name, value]) => [name, plainOf(value)]));
    const marked = marks && marks.size > 0 ? { marks: Object.fromEntries(marks) } : {};
    return JSON.stringify({ device, time: rfc3339(time), values: shown, ...marked, ...way } satisfies Shown);
  });
}
