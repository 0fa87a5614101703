import { allActions, instanceActions, type Action, type Role } from "@holdfast/protocol";

/** A person in an organisation. Administrators of the instance may also make organisations. */
export type Member = { readonly role: Role; readonly administrator: boolean };

const ofOrganisation = allActions.filter((action) => !instanceActions.includes(action));

const actionsOf: Record<Role, readonly Action[]> = {
  owner: ofOrganisation,
  viewer: ofOrganisation.filter((action) => action.endsWith(".read")),
};

export const actionsOfRole = (role: Role): readonly Action[] => actionsOf[role];

export const actionsOfMember = ({ role, administrator }: Member): readonly Action[] =>
  administrator ? [...actionsOf[role], ...instanceActions] : actionsOf[role];

/** Whether whoever has the one role may do all that the other may. */
export const holds = (role: Role, other: Role): boolean =>
  actionsOf[other].every((action) => actionsOf[role].includes(action));
