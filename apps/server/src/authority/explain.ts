import { isId, kindOfId, Refusal, type Clock, type CredentialId } from "@holdfast/kernel";
import { actions, isAction } from "@holdfast/protocol";
import type { Authentication } from "./authentication.ts";
import { Caller, refusedBy } from "./caller.ts";
import { unsaid, type Circumstances } from "./circumstances.ts";
import { decideReading } from "./past-reading.ts";
import type { Permit } from "./permit.ts";
import type { Decision } from "./power.ts";
import type { Spaces } from "./spaces.ts";

/** Reads the same compiled artefact that decides, so that the reason given is the reason. */
export async function explain(
  needs: { spaces: Spaces; authentication: Authentication; clock: Clock },
  permit: Permit<"authority.explain">,
  asked: {
    credential: string;
    action: string;
    resource: string | undefined;
    came: Pick<Circumstances, "address" | "transport">;
  },
): Promise<Decision> {
  const { credential: id, action } = asked;
  if (!isAction(action)) {
    throw new Refusal("request.malformed", {
      faults: [{ path: "action", message: `there is no action ${JSON.stringify(action)}` }],
    });
  }
  const space = await needs.spaces.of(permit.scope.org);
  const credential = isCredentialId(id) ? await needs.authentication.credential(space, id) : undefined;
  if (!credential) throw refusedBy(permit, "authority.explain", id, new Refusal("credential.unknown"));
  const caller = new Caller({
    credential,
    space,
    circumstances: { ...unsaid, ...asked.came },
    clock: needs.clock,
    onRefusal: () => {},
  }); // a question is not an attempt
  const resource = asked.resource ?? (actions[action] === "org" ? space.org : undefined);
  const kind = actions[action];
  if (resource === undefined || kindOfId(resource) !== kind) {
    throw new Refusal("request.malformed", {
      faults: [{ path: "resource", message: `${action} is asked about one ${kind}` }],
    });
  }
  const target = caller.target(kind, resource);
  if (target) {
    const isReading = action === "telemetry.read" && target.kind === "device";
    const { allowed, because } = isReading ? decideReading(caller, target) : caller.decide(action, target);
    return { allowed, because };
  }
  return { allowed: false, because: `${resource} is not in this organisation` };
}

/** Of a credential that is kept. */
export const isCredentialId = (text: string): text is CredentialId =>
  isId("key", text) || isId("token", text) || isId("session", text);
