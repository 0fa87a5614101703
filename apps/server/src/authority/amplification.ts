import { Refusal, type Fault, type Id } from "@holdfast/kernel";
import { formatGrant, type Grant, type Where } from "@holdfast/protocol";
import type { Caller } from "./caller.ts";
import { beyond } from "./conditions.ts";
import type { Credential } from "./credential.ts";
import { contains, covers, unknownCode } from "./link.ts";
import type { Space } from "./space.ts";

/**
 * Every link of the maker's chain must contain every grant, as it stands and wherever devices move later. What is not there is told
 * only to who may do as much with everything: who may not is told the same about what there is.
 */
export function refuseAmplification(maker: Caller, grants: readonly Grant[]): void {
  const beyond = grants.filter(
    ({ action, where }) =>
      !maker.power.links.every((link) =>
        link.grants.get(action)?.some((outer) => contains(outer, where) || heldNow(maker, outer, where)),
      ),
  );
  if (beyond.length > 0) throw amplified(maker, beyond);
  refuseUnknown(maker, grants);
}

export type Lost = { readonly kind: "application" | "device" | "user"; readonly id: string };

/**
 * A grant on something that is not there, or is another organisation's, would be worth nothing, and nobody would know. What belongs to
 * an application names its own devices alone: every other is answered as one that is not there.
 */
export function lostIn(space: Space, grants: readonly Grant[], within?: Id<"application">): Lost | undefined {
  for (const { where } of grants) {
    if ("application" in where && !space.hasApplication(where.application))
      return { kind: "application", id: where.application };
    // A user's own sign-in has it, and nothing else: nobody else knows what belongs to her tomorrow.
    if ("user" in where) return { kind: "user", id: where.user };
    const id =
      "devices" in where &&
      where.devices.find((device) => {
        const placement = space.device(device);
        return !placement || (within !== undefined && placement.application !== within);
      });
    if (id) return { kind: "device", id };
  }
  return undefined;
}

export function refuseUnknown(maker: Caller, grants: readonly Grant[], within?: Id<"application">): void {
  const lost = lostIn(maker.space, grants, within);
  if (!lost) return;
  throw maker.refuse("token.create", lost.id, "asked for a grant on it", new Refusal(unknownCode[lost.kind]));
}

/**
 * What is made holds under conditions within those of every credential above it: what it does not say is theirs, and what says more is
 * refused, so that nobody believes it. What is bound makes nothing that is not.
 */
export function refuseWider(
  maker: Caller,
  { publicKey, conditions = {} }: Partial<Pick<Credential, "publicKey" | "conditions">>,
): void {
  const faults: Fault[] = [];
  for (let above: Credential | undefined = maker.credential; above;) {
    faults.push(...beyond(above.conditions ?? {}, conditions));
    above = above.parent && maker.space.credentials.get(above.parent);
  }
  if (maker.credential.publicKey && !publicKey)
    faults.push({ path: "publicKey", message: "what makes it is bound to a key, so it has to be bound to one, too" });
  if (faults.length === 0) return;
  const because = "asked for wider conditions than its own";
  throw maker.refuse("token.create", maker.org, because, new Refusal("credential.amplifies", { faults }));
}

/** Listed devices that the maker reaches through an application or a tag today: the chain is asked again at every use. */
function heldNow(maker: Caller, outer: Where, inner: Where): boolean {
  if (!("devices" in inner)) return false;
  return inner.devices.every((id) => {
    const target = maker.target("device", id);
    return target !== undefined && covers(outer, target);
  });
}

export const amplified = (maker: Caller, beyond: readonly Grant[]): Refusal =>
  maker.refuse(
    "token.create",
    maker.org,
    `asked for ${beyond.map(formatGrant).join(" ").slice(0, 200)}`,
    amplification(beyond),
  );

export const amplification = (beyond: readonly Grant[]): Refusal =>
  new Refusal("credential.amplifies", {
    faults: beyond.slice(0, 16).map((grant) => ({ path: "grants", message: formatGrant(grant) })),
  });
