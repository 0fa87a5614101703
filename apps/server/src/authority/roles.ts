import type { Id } from "@holdfast/kernel";
import {
  allActions,
  instanceActions,
  isBuiltIn,
  type Action,
  type BuiltInRole,
  type Grant,
  type Role,
} from "@holdfast/protocol";
import { containsGrant, linkOf } from "./link.ts";
import type { OwnRole } from "./role.ts";

/** A person in an organisation, as it is kept. */
export type Membership = {
  readonly role: Role;
  /** She keeps her role, and may nothing with it. */
  readonly isSuspended?: true | undefined;
};

/** Somebody who may something in an organisation. Administrators of the instance may also look after it and its organisations. */
export type Member = { readonly role: Role; readonly administrator: boolean };

/** An organisation's own roles, by their identifiers. */
export type OwnRoles = ReadonlyMap<Id<"role">, OwnRole>;

const ofOrganisation = allActions.filter((action) => !instanceActions.includes(action));

/** What ends the organisation or says what it is: its owners' alone. */
const ownersAlone: readonly Action[] = ["org.update", "org.delete", "simulation.end"];

const reads = (action: Action): boolean => action.endsWith(".read");
/** Whatever a viewer sees, and this. */
const seeingAnd = (...more: Action[]): readonly Action[] =>
  ofOrganisation.filter((action) => reads(action) || more.includes(action));

const actionsOf: Record<BuiltInRole, readonly Action[]> = {
  owner: ofOrganisation,
  administrator: ofOrganisation.filter((action) => !ownersAlone.includes(action)),
  developer: seeingAnd(
    "application.create",
    "application.update",
    "application.delete",
    "product.create",
    "product.update",
    "product.delete",
    "device.create",
    "device.update",
    "device.suspend",
    "device.resume",
    "device.retire",
    "device.mintKey",
    "device.enrol",
    "device.tag",
    "device.bind",
    "group.manage",
    "group.task",
    "applicationUser.manage",
    "product.setDoor",
    "device.setDoor",
    "telemetry.write",
    "twin.update",
    "command.send",
    "token.create",
    "accessKey.create",
    // Whoever makes credentials can end one that leaked, and give it another secret.
    "credential.revoke",
    "credential.rotate",
    "authority.explain",
    "dashboard.create",
    "dashboard.update",
    "dashboard.delete",
    "dashboard.share",
    "alert.acknowledge",
    "alert.manage",
  ),
  operator: seeingAnd(
    "device.update",
    "device.suspend",
    "device.resume",
    "device.tag",
    "group.task",
    "twin.update",
    "command.send",
    "authority.explain",
    "alert.acknowledge",
  ),
  viewer: seeingAnd(),
};

/** What each is for, in a sentence. */
export const purposeOf: Record<BuiltInRole, string> = {
  owner: "Everything in the organisation.",
  administrator: "Everything but renaming the organisation and deleting it: people, roles and credentials too.",
  developer:
    "Builds: applications, products, devices with their keys, and credentials of programs within that; ends credentials.",
  operator: "Keeps devices running: sees everything, changes, suspends and resumes devices, and sends them commands.",
  viewer: "Sees everything and changes nothing.",
};

const everywhere = (action: Action): Grant => ({ action, where: { all: true } });

/** Of one of the organisation's own that is not there any more: nothing. */
export const grantsOfRole = (role: Role, own: OwnRoles): readonly Grant[] =>
  isBuiltIn(role) ? actionsOf[role].map(everywhere) : (own.get(role)?.grants ?? []);

export const grantsOfMember = ({ role, administrator }: Member, own: OwnRoles): readonly Grant[] => {
  const grants = grantsOfRole(role, own);
  return administrator ? [...grants, ...instanceActions.map(everywhere)] : grants;
};

/** Those of the second that the first do not contain, wherever devices are moved later. */
export function beyondThose(held: readonly Grant[], asked: readonly Grant[]): readonly Grant[] {
  const link = linkOf("", held);
  return asked.filter((grant) => !containsGrant(link, grant));
}

/** Whether whoever has the one may do all that the other lets do. */
export const holds = (held: readonly Grant[], asked: readonly Grant[]): boolean =>
  beyondThose(held, asked).length === 0;
