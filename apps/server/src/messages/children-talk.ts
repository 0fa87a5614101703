import type { Publication } from "@holdfast/mqtt";
import { Refusal, type Id } from "@holdfast/kernel";
import { parseGatewayTopic } from "@holdfast/protocol";
import type { Caller } from "../authority/index.ts";
import { fit, type LiveRefusals } from "../live/index.ts";
import type { Source, Telemetry } from "../telemetry/index.ts";
import type { Beside } from "./beside.ts";
import { barredBy, clauseOf } from "./clause.ts";
import { serverBusy, serverUnavailable } from "./codes.ts";
import { parseSaid, type Part } from "./gateway-words.ts";
import { acceptForGroup, type Saying } from "./group-talk.ts";
import type { MessageLog } from "./log.ts";
import { overdrawnBy } from "./overdrawn.ts";
import { PlainAnswer, plainly } from "./plain-answer.ts";
import { reasonOf } from "./reason.ts";
import type { SessionContext } from "./session.ts";

export type { Saying } from "./group-talk.ts";

type Needs = {
  readonly beside: Beside;
  readonly log: MessageLog;
  readonly telemetry: Telemetry;
  readonly live: Pick<LiveRefusals, "isWatched" | "tell">;
  readonly refused: (caller: Caller, action: "telemetry.write", about: string, because: string) => void;
};

/** What stands at no topic of a device's own: in a group, or of a gateway's children in ThingsBoard's words. */
export function acceptElsewhere(
  needs: Needs,
  saying: Saying,
  context: SessionContext,
  publication: Publication,
): number {
  const to = parseGatewayTopic(publication.topic);
  if (to?.kind !== "said") return acceptForGroup(needs, saying, context, publication);
  const { caller, account } = context;
  const isOld = publication.version === 4;
  const overdrawn = overdrawnBy(caller);
  if (overdrawn) return saying.tooOften(context, publication, overdrawn);
  const bounded = account.deliveryRefusal();
  if (bounded) return saying.beyond(context, publication, bounded);
  let parts: readonly Part[];
  try {
    parts = parseSaid(to.what, publication.payload);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    tell(needs, context, publication, to.gateway, error);
    publication.reasonString = error.message;
    const code = reasonOf(error, "publish");
    return isOld ? plainly(code) : code;
  }
  saying.heard(context, to.gateway, publication);
  const answer = new Answer(parts.length, (code, reason) => {
    const waiting = isOld ? new PlainAnswer(publication) : publication;
    // Of what is retained, say: who is owed that.
    if (code === 0 && publication.record)
      needs.log.append(caller.space, publication.record, (kept) => waiting.settle(kept));
    else waiting.settle(code, reason);
  });
  for (const part of parts) {
    const settle = (code: number, reason?: string) => answer.settle(code, reason);
    const refusal = take(needs, saying, context, publication, to.gateway, part, settle);
    if (refusal) settle(reasonOf(refusal, "publish"), refusal.message);
  }
  return 0;
}

/** One of them. A refusal where that is known at once; else `settle` hears of it. */
function take(
  needs: Needs,
  saying: Saying,
  context: SessionContext,
  publication: Publication,
  gateway: Id<"device">,
  { name, said, bytes }: Part,
  settle: (code: number, reason?: string) => void,
): Refusal | undefined {
  const { caller, account, session } = context;
  const { space, credential } = caller;
  const child = space.children.namesOf(gateway).get(name);
  if (!child || !caller.mayDevice("telemetry.write", child)) {
    const barred = child && barredBy(caller, "telemetry.write", child);
    const refusal = new Refusal(barred ?? "gateway.notChild", {
      detail: `This is about ${JSON.stringify(fit(name))}.`,
    });
    const target = child && caller.target("device", child);
    if (child && target) caller.noteRefused("telemetry.write", child, caller.decide("telemetry.write", target));
    needs.refused(caller, "telemetry.write", gateway, `publish to ${fit(publication.named)} about ${fit(name)}`);
    tell(needs, context, publication, gateway, refusal, child);
    return refusal;
  }
  if (said.what === "left") {
    needs.beside.dismissed(gateway, child);
    settle(0);
    return undefined;
  }
  caller.noteUse("telemetry.write", child);
  needs.beside.introduced(space, gateway, child, name, context);
  const meter = account.meter("mqtt", credential, child);
  const source: Source = {
    space,
    device: child,
    via: "mqtt",
    isPart: true,
    topic: publication.named,
    session,
    credential: credential.id,
    meter,
  };
  const refusal = give(needs, source, said, bytes, settle);
  if (!refusal) saying.heard(context, child, publication);
  return refusal;
}

function give(
  { telemetry, beside }: Needs,
  source: Source,
  said: Exclude<Part["said"], { what: "left" }>,
  bytes: Uint8Array,
  settle: (code: number, reason?: string) => void,
): Refusal | undefined {
  if (said.what === "telemetry") return telemetry.accept(source, bytes, { dialect: "thingsboard" }, { settle });
  if (said.what !== "came") return beside.acceptOfChild(source, said, bytes, { settle });
  settle(0);
  return undefined;
}

/** Whoever watches the gateway sees which child is meant. */
function tell(
  { live }: Needs,
  { caller, session }: SessionContext,
  { named, payload }: Publication,
  gateway: Id<"device">,
  refusal: Refusal,
  child?: Id<"device">,
): void {
  const { space, credential } = caller;
  if (!live.isWatched(space)) return;
  live.tell({
    space,
    device: gateway,
    refusal,
    transport: "mqtt",
    action: "telemetry.write",
    topic: named,
    size: payload.length,
    session,
    credential: credential.id,
    because: () => child && clauseOf(caller, child, refusal),
  });
}

/**
 * One answer for what was said of many: that it is kept, once all of it is; else why the first was not. What may pass comes before what does not, so that it is
 * sent again.
 */
class Answer {
  #left: number;
  #code = 0;
  #reason: string | undefined;
  readonly #done: (code: number, reason: string | undefined) => void;

  constructor(count: number, done: (code: number, reason: string | undefined) => void) {
    this.#left = count;
    this.#done = done;
  }

  settle(code: number, reason: string | undefined): void {
    const mayPass = code === serverUnavailable || code === serverBusy;
    if (code !== 0 && (this.#code === 0 || (mayPass && this.#code !== serverUnavailable))) {
      this.#code = code;
      this.#reason = reason;
    }
    if (--this.#left === 0) this.#done(this.#code, this.#reason);
  }
}
