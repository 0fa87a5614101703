import { overdrawnBy } from "./overdrawn.ts";
import type { Publication } from "@holdfast/mqtt";
import type { Id, Refusal } from "@holdfast/kernel";
import { parseGroupTopic } from "@holdfast/protocol";
import type { Telemetry } from "../telemetry/index.ts";
import type { Beside } from "./beside.ts";
import type { MessageLog } from "./log.ts";
import { PlainAnswer, plainly } from "./plain-answer.ts";
import { reasonOf } from "./reason.ts";
import type { SessionContext } from "./session.ts";
import { topicNameInvalid, quotaExceeded } from "./codes.ts";

const board = "tasks/";

/** What the hub does with every message. */
export type Saying = {
  heard(context: SessionContext, device: Id<"device">, publication: Publication): void;
  tooOften(context: SessionContext, publication: Publication, refusal: Refusal): number;
  beyond(context: SessionContext, publication: Publication, refusal: Refusal): number;
};

/** What a member says goes to the others, and is kept where it is owed to somebody who is away; what it says to the board goes there. */
export function acceptForGroup(
  needs: { readonly beside: Beside; readonly log: MessageLog; readonly telemetry: Pick<Telemetry, "shutTo"> },
  saying: Saying,
  context: SessionContext,
  publication: Publication,
): number {
  const to = parseGroupTopic(publication.topic);
  const { caller, account, session } = context;
  const { space, credential } = caller;
  const { device } = credential;
  if (!to || !device) return topicNameInvalid;
  const isOld = publication.version === 4;
  const answered = (code: number): number => (isOld ? plainly(code) : code);
  const waiting = isOld ? new PlainAnswer(publication) : publication;
  const overdrawn = overdrawnBy(caller);
  if (overdrawn) return saying.tooOften(context, publication, overdrawn);
  const bounded = account.deliveryRefusal();
  if (bounded) return saying.beyond(context, publication, bounded);
  const whyFull = publication.record && needs.log.whyFull();
  if (whyFull !== undefined) {
    publication.reasonString = whyFull;
    return answered(quotaExceeded);
  }
  const meter = account.meter("mqtt", credential, device);
  if (to.rest.startsWith(board)) {
    const source = { space, device, via: "mqtt", topic: publication.named, session, credential: credential.id, meter };
    const about = { group: to.group, verb: to.rest.slice(board.length) };
    const refusal = needs.beside.acceptTask({ ...source, via: "mqtt" }, about, publication, waiting);
    if (refusal) {
      publication.reasonString = refusal.message;
      return answered(reasonOf(refusal, "publish"));
    }
    saying.heard(context, device, publication);
    return 0;
  }
  const shut = needs.telemetry.shutTo(space, device, publication.payload);
  if (shut) {
    saying.beyond(context, publication, shut);
    return answered(reasonOf(shut, "publish"));
  }
  meter.requests += 1;
  saying.heard(context, device, publication);
  if (publication.record) needs.log.append(space, publication.record, (code) => waiting.settle(code));
  else waiting.settle(0);
  return 0;
}
