import { allActions, instanceActions, type Action } from "@holdfast/protocol";

export const roleNames = ["owner", "viewer"] as const;
export type Role = (typeof roleNames)[number];

/** A person in an organisation. Administrators of the instance may also make organisations. */
export type Member = { readonly role: Role; readonly administrator: boolean };

const ofOrganisation = allActions.filter((action) => !instanceActions.includes(action));

const actionsOf: Record<Role, readonly Action[]> = {
  owner: ofOrganisation,
  viewer: ofOrganisation.filter((action) => action.endsWith(".read")),
};

export const actionsOfMember = ({ role, administrator }: Member): readonly Action[] =>
  administrator ? [...actionsOf[role], ...instanceActions] : actionsOf[role];
