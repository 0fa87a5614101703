import { kindOfId, Refusal, type Id } from "@holdfast/kernel";
import type { Caller } from "./caller.ts";
import type { Credential, Party } from "./credential.ts";
import type { Issued } from "./issuer.ts";
import { unknownCode } from "./link.ts";
import type { Placement, Space } from "./space.ts";
import { tagIn } from "./tag.ts";

/** Of a credential all that says with what it ends. */
type Hanging = Pick<Credential, "id"> &
  Partial<Pick<Credential, "application" | "device" | "dashboard" | "person" | "user" | "by">> & {
    readonly issued?: Pick<Issued, "by"> | undefined;
  };

/** What a credential belongs to and ends with, and what it is itself. */
const ancestorsOf = (
  space: Space,
  link: Hanging,
  placement: Placement | undefined = link.device && space.device(link.device),
): readonly (string | undefined)[] => [
  space.org,
  link.application,
  placement?.application,
  placement?.product,
  link.device,
  link.dashboard,
  link.issued?.by,
  link.person,
  link.user?.id,
  link.user?.session,
  ...(link.by ?? []),
  link.id,
];

/** Under what all of this party was ended that was issued before: `seq` is the place of the credential among revocations. */
export const endedUnder = (
  space: Space,
  link: Hanging,
  placement: Placement | undefined,
  party: Party,
  seq: number,
): string | undefined =>
  ancestorsOf(space, link, placement).find((ancestor) => ancestor && space.revokedBefore(ancestor, party) > seq);

/**
 * Whether a credential ends where all is ended that is under this: an organisation, application, product, device or person, or
 * `tag:KEY=VALUE`. @throws Refusal `…unknown`, `id.malformed`
 */
export function underOf(caller: Caller, about: string): (link: Credential) => boolean {
  const { space } = caller;
  const tag = tagIn(about);
  if (tag) return ({ device }) => device !== undefined && space.device(device)?.tags[tag.key] === tag.value;
  refuseUnknown(caller, about);
  return (link) => ancestorsOf(space, link).includes(about);
}

/** @throws Refusal `…unknown`, `id.malformed` */
export function refuseUnknown(caller: Caller, about: string): void {
  const kind = kindOfId(about);
  switch (kind) {
    case "org":
    case "application":
    case "product":
    case "device":
      if (caller.target(kind, about) !== undefined) return;
      throw caller.refuse("credential.revoke", about, "there is no such thing", new Refusal(unknownCode[kind]));
    case "person":
      if (caller.space.members.has(about as Id<"person">)) return; // the kind was read from the text
      throw caller.refuse("credential.revoke", about, "there is no such person", new Refusal("credential.unknown"));
    default:
      throw new Refusal("id.malformed", {
        detail: "Name an organisation, application, product, device or person, or devices by tag:KEY=VALUE.",
      });
  }
}
