import type {
  Asked,
  Challenge,
  Closing,
  Ending,
  Gate,
  Opened,
  Policy,
  Proof,
  Publication,
  Refusable,
  Renaming,
  Revived,
  SpaceKey,
  TurnedAway,
  Welcome,
} from "@holdfast/mqtt";
import { credentialIn } from "@holdfast/crypto";
import { Refusal, sentenceOf, type CredentialId, type Id, type Random, type Report } from "@holdfast/kernel";
import { parseTopic } from "@holdfast/protocol";
import type { Accounts, EndingOfConnection, Line } from "../accounting/index.ts";
import { Unwelcome, type Authentication, type Caller, type Known, type Space } from "../authority/index.ts";
import { fit, type DeviceRefusal, type LiveRefusals, type Strangers } from "../live/index.ts";
import type { Telemetry } from "../telemetry/index.ts";
import { arrived, unbarred } from "./arrived.ts";
import type { Backoff } from "./backoff.ts";
import type { Beside } from "./beside.ts";
import { MessageGate } from "./gate.ts";
import { acceptElsewhere, type Saying } from "./children-talk.ts";
import { causeOf } from "./cause.ts";
import { barredBy, clauseOf } from "./clause.ts";
import type { MessageLog } from "./log.ts";
import type { Presences } from "./presences.ts";
import { overdrawnBy } from "./overdrawn.ts";
import { PlainAnswer, plainly } from "./plain-answer.ts";
import { challenge } from "./proof.ts";
import { reasonOf, refusalBy, sentenceBy, violationBy } from "./reason.ts";
import { shownIn } from "./secret-in.ts";
import { renamed } from "./renamed.ts";
import { cameOver, kindOf, provedAgain, receivingOf, spokenOf, welcome, type SessionContext } from "./session.ts";
import { notAuthorized, serverUnavailable, serverBusy, quotaExceeded, administrativeAction } from "./codes.ts";

export type HubNeeds = {
  readonly authentication: Authentication;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly beside: Beside;
  readonly presences: Presences;
  readonly accounts: Accounts;
  readonly log: MessageLog;
  readonly backoff: Backoff;
  /** Lets the good in, and tells an address that failed too often to wait. @throws Refusal `rate.exceeded` */
  readonly guard: { admit<T>(address: string, attempt: () => Promise<T>): Promise<T> };
  readonly live: Pick<LiveRefusals, "isWatched" | "tell">;
  readonly strangers: Strangers;
  readonly refused: (
    caller: Caller,
    action: "telemetry.write" | "telemetry.read",
    about: string,
    because: string,
  ) => void;
  readonly report: Report;
  /** A credential stood in a text that brokers and their logs keep readable. */
  readonly exposed: (text: string, where: "topic" | "filter", by: { id: string; address: string }) => void;
};

/** The topic spaces of all organisations: who may come in, and what becomes of a message. */
export class Hub implements Policy<SessionContext> {
  readonly #needs: HubNeeds;
  /** The record of each connection; a session, and its context, may see several. */
  readonly #lines = new WeakMap<Opened<SessionContext>, Line>();

  readonly #saying: Saying = {
    heard: (context, device, publication) => this.#heard(context, device, publication),
    tooOften: (context, publication, refusal) => this.#tooOften(context, publication, refusal),
    beyond: (context, publication, refusal) => this.#beyond(context, publication, refusal),
  };

  constructor(needs: HubNeeds) {
    this.#needs = needs;
  }

  connect(asked: Asked): Promise<Welcome<SessionContext> | TurnedAway> {
    const { authentication } = this.#needs;
    return this.#admit(asked, async () =>
      authentication.admit(await shownIn(asked, authentication), cameOver(asked.transport)),
    );
  }

  /** Of a credential that is bound to a key; the second time the credential was shown already. */
  async authenticate(
    asked: Asked,
    proof: Proof<SessionContext>,
  ): Promise<Challenge<SessionContext> | Welcome<SessionContext> | TurnedAway> {
    const { authentication, random } = this.#needs;
    const { again } = proof;
    return challenge(asked, proof, random, async (signed) => {
      const prove = (known: Known) =>
        authentication.prove(known, cameOver(asked.transport), signed.proof, signed.signature);
      if (!again) return this.#admit(asked, async () => prove(await shownIn(asked, authentication)));
      const { space, credential } = again.caller;
      const shown = again.caller.circumstances?.shown;
      const current = { space, credential: space.credentials.get(credential.id) ?? credential, shown };
      const answer = await this.#admit(asked, async () => prove(current), again);
      if ("turnedAway" in answer) return answer;
      return { ...answer, context: provedAgain(again, answer.context) };
    });
  }

  /** `again`: whose session it is already, which is no connection more. */
  async #admit(
    asked: Asked,
    attempt: () => Promise<Caller>,
    again?: SessionContext,
  ): Promise<Welcome<SessionContext> | TurnedAway> {
    const { guard, telemetry, presences, accounts, log, backoff } = this.#needs;
    let caller: Caller | undefined;
    try {
      caller = await guard.admit(asked.transport.remoteAddress, attempt);
      caller.draw();
      const { credential, space } = caller;
      if (credential.device) {
        await telemetry.prepare(space, credential.device);
        await presences.in(space);
      }
      await log.ready(space);
      const account = await accounts.ready(space);
      const because = caller.ended();
      if (because === undefined) {
        const admitted = again ? undefined : account.admitConnection("mqtt", credential, fit(asked.clientId));
        backoff.welcomed(asked);
        return welcome(caller, account, asked.clientId, asked.transport.remoteAddress, admitted);
      }
      // It ended while we waited. Why, is for those who may ask `explain`.
      this.#tellConnect(new Unwelcome("credential.invalid", { space, credential, because }), asked, caller);
      return { turnedAway: notAuthorized, after: backoff.refused(asked) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#tellConnect(error, asked, caller);
      const turnedAway = reasonOf(error, "connect");
      // Nobody is to blame for what is our own fault.
      const after = turnedAway === serverUnavailable ? 0 : backoff.refused(asked);
      return { turnedAway, reasonString: error.message, after };
    }
  }

  async recall(key: SpaceKey, keepsakes: ReadonlySet<string>): Promise<void> {
    await this.#needs.authentication.know(key as Space, keepsakes as ReadonlySet<CredentialId>); // `welcome` wrote them
  }

  /** A session that was kept, and whose client is not there: it goes on as far as its credential does. */
  revive(key: SpaceKey, { clientId, keepsake }: Revived): Welcome<SessionContext> | Ending {
    const space = key as Space; // `connect` welcomes into nothing else
    const caller = this.#needs.authentication.known(space, keepsake);
    return caller ? welcome(caller, this.#needs.accounts.of(space), clientId, "") : { end: administrativeAction };
  }

  /** The broker has given the session its name. */
  opened(connection: Opened<SessionContext>): void {
    const { context, clientId, transport, counters } = connection;
    context.session = fit(clientId);
    const { space, credential } = context.caller;
    const origin = { address: context.address, transport: transport.name, client: context.session };
    const line = context.account.begin("mqtt", credential, origin, counters, context.admitted);
    this.#lines.set(connection, line);
    if (!credential.device) return;
    context.receiving = receivingOf(context);
    context.seen = this.#needs.presences.came(space, credential.device, connection, context.receiving);
    if (connection.resumed) arrived(this.#needs.beside, space, credential.device, undefined);
  }

  /** A device hears what is owed to it beside what programs publish. */
  subscribed({ caller: { space, credential } }: SessionContext, filters: readonly string[]): void {
    if (credential.device) arrived(this.#needs.beside, space, credential.device, filters);
  }

  /** Who broke the rules is told by MQTT 5 alone; whoever watches the device is told of both versions. */
  closed(connection: Opened<SessionContext>, closing: Closing): void {
    const { context } = connection;
    const { how, code } = closing;
    const { device } = context.caller.credential;
    const cause = causeOf(closing, context.caller);
    const line = this.#lines.get(connection);
    if (line) context.account.end(line, cause satisfies EndingOfConnection);
    if (device) this.#needs.presences.went(context.caller.space, device, connection, cause);
    if (device) this.#needs.beside.left(device, context);
    if (closing.sessionKept) context.caller.leave();
    if (how !== "protocol" || !device || !this.#needs.live.isWatched(context.caller.space)) return;
    this.#tell(context, { device, refusal: violationBy(code), action: "session" });
  }

  /** A device that makes up a client id each time loses what waits for it, and whoever looks at the device sees why. */
  displaced(context: SessionContext): void {
    const { device } = context.caller.credential;
    if (!device || !this.#needs.live.isWatched(context.caller.space)) return;
    const detail = "A session whose client was away has ended for a newer one, with what waited for it.";
    this.#tell(context, { device, refusal: new Refusal("mqtt.tooMany", { detail }), action: "session" });
  }

  /** Whoever runs the platform is told whose sessions are not read. */
  full(key: SpaceKey): void {
    const { org } = key as Space; // `connect` welcomes into nothing else
    const sentence = `The MQTT sessions of ${org} hold as much as they may together, and --when-full says who loses.`;
    this.#needs.report(`${sentence} End sessions that nobody reads any more.`, { level: "warning" });
  }

  renew(context: SessionContext, _gate: Gate): Gate | Renaming | Ending {
    const { caller } = context;
    // Where only the hours are over, the connection ends, and what waits for it stays for when they begin again.
    if (caller.power.end?.isOfHours) return new MessageGate(caller, context.barred, caller.now());
    if (caller.ended() !== undefined) return { end: administrativeAction };
    caller.noteStay();
    const gate = new MessageGate(caller, context.barred);
    const naming = renamed(context, this.#needs.beside);
    unbarred(context, this.#needs.beside);
    return naming ? { gate, naming } : gate;
  }

  accept(context: SessionContext, publication: Publication): number {
    const { topic, named } = publication;
    let spoken = context.last;
    if (spoken?.topic !== topic || spoken.named !== named || spoken.meter.isForgotten)
      spoken = spokenOf(context, topic, named);
    if (!spoken) return acceptElsewhere(this.#needs, this.#saying, context, publication);
    context.last = spoken;
    const { source } = spoken;
    const { space, device } = source;
    const isOld = publication.version === 4;
    const waiting = isOld ? new PlainAnswer(publication) : publication;
    const overdrawn = overdrawnBy(context.caller);
    if (overdrawn) return this.#tooOften(context, publication, overdrawn);
    // Nothing was measured: what was retained is to be forgotten (MQTT 5, section 3.3.1.3).
    if (publication.retain && publication.payload.length === 0) {
      const whyFull = publication.record && this.#needs.log.whyFull();
      if (whyFull !== undefined) {
        publication.reasonString = whyFull;
        return isOld ? plainly(quotaExceeded) : quotaExceeded;
      }
      this.#heard(context, device, publication);
      if (publication.record) this.#needs.log.append(space, publication.record, (code) => waiting.settle(code));
      else waiting.settle(0);
      return 0;
    }
    const bounded = context.account.deliveryRefusal();
    if (bounded) return this.#beyond(context, publication, bounded);
    const kind = isOld ? spoken.kind : kindOf(publication, spoken.kind);
    const refusal = spoken.beside
      ? this.#needs.beside.accept(source, spoken.beside, publication, waiting)
      : this.#needs.telemetry.accept(source, publication.payload, kind, waiting);
    if (!refusal) {
      this.#heard(context, device, publication);
      return 0;
    }
    publication.reasonString = refusal.message;
    const code = reasonOf(refusal, "publish");
    return isOld ? plainly(code) : code;
  }

  /** Beyond the credential's own rate. */
  #tooOften(context: SessionContext, publication: Publication, refusal: Refusal): number {
    const { space, credential } = context.caller;
    this.#needs.refused(context.caller, "telemetry.write", credential.device ?? space.org, refusal.code);
    return this.#beyond(context, publication, refusal);
  }

  /**
   * Beyond a rate or a quota. A client of MQTT 5 is told 0x97; one of 3.1.1 knows no such answer to a message that is to be kept, so it is
   * hung up on, and comes again when it is let in.
   */
  #beyond(context: SessionContext, publication: Publication, refusal: Refusal): number {
    publication.reasonString = refusal.message;
    const { space, credential } = context.caller;
    const { topic, payload, version, qos } = publication;
    const device = credential.device ?? parseTopic(topic)?.device;
    if (device && this.#needs.live.isWatched(space))
      this.#tell(context, { device, refusal, action: "telemetry.write", topic, size: payload.length });
    return version === 4 && qos > 0 ? serverBusy : quotaExceeded;
  }

  owing({ caller, seen, receiving }: SessionContext, since: number | undefined): void {
    if (receiving) receiving.unansweredSince = since;
    if (seen) this.#needs.presences.owes(caller.space, seen);
  }

  #heard({ caller, seen }: SessionContext, device: Id<"device">, { receivedAt, since }: Publication): void {
    // From a gateway, in its child's name: both are there.
    if (!seen || device !== caller.credential.device)
      this.#needs.presences.heard(caller.space, device, receivedAt, seen);
    if (!seen) return;
    seen.heardAt = receivedAt;
    seen.readAt = since;
    if (seen.awaited) this.#needs.presences.hears(caller.space, seen);
  }

  refused(context: SessionContext, what: Refusable, topic: string, code: number, size?: number): string | undefined {
    const { caller, address } = context;
    const { space, credential } = caller;
    if (what !== "session" && credentialIn(topic)) {
      const where = what === "subscribe" ? "filter" : "topic";
      this.#needs.exposed(topic, where, { id: credential.id, address });
    }
    const action = what === "subscribe" ? "telemetry.read" : "telemetry.write";
    const attempt = what === "session" ? "one MQTT session too many" : `${what} to ${topic}`;
    this.#needs.refused(caller, action, credential.device ?? space.org, attempt);
    const barred =
      code === notAuthorized ? barredBy(caller, action, credential.device ?? parseTopic(topic)?.device) : undefined;
    const said = barred ? sentenceOf(barred) : sentenceBy(code, what, credential.device !== undefined);
    if (!this.#needs.live.isWatched(space)) return said;
    const device = credential.device ?? (what === "publish" ? parseTopic(topic)?.device : undefined);
    if (!device) return said;
    const refusal = barred ? new Refusal(barred) : refusalBy(code, what, credential.device !== undefined);
    const because = () => clauseOf(caller, device, refusal);
    this.#tell(context, {
      device,
      refusal,
      action: actionOf[what],
      ...(what !== "session" && { topic, size }),
      because,
    });
    return said;
  }

  #tell(
    { caller, session }: SessionContext,
    refused: Pick<DeviceRefusal, "device" | "refusal" | "action" | "topic" | "size" | "because">,
  ): void {
    const { space, credential } = caller;
    this.#needs.live.tell({ space, transport: "mqtt", session, credential: credential.id, ...refused });
  }

  #tellConnect(refusal: Refusal, { clientId, transport }: Asked, caller: Caller | undefined): void {
    const whose = Unwelcome.in(refusal) ?? caller;
    const device = whose?.credential.device;
    if (!whose || !device) {
      const way = { address: transport.remoteAddress, transport: "mqtt" } as const;
      return this.#needs.strangers.tellRefused(refusal, way);
    }
    // Nobody is to blame for our own trouble.
    if (reasonOf(refusal, "connect") < serverUnavailable) this.#needs.presences.refused(whose.space, device);
    const how = { transport: "mqtt", action: "connect", session: clientId, credential: whose.credential.id } as const;
    const why = whose instanceof Unwelcome ? { because: () => whose.because, detail: whose.toWatchers } : {};
    this.#needs.live.tell({ space: whose.space, device, refusal, ...how, ...why });
  }
}

const actionOf = { publish: "telemetry.write", subscribe: "subscribe", will: "will", session: "connect" } as const;
