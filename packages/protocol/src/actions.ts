import type { Id, Kind } from "@holdfast/kernel";

/**
 * What may be asked, and the kind of thing it is asked about. Append only: the names are in tokens.
 * What is asked about an `org` is asked about the caller's own; the others are found by their identifier.
 */
export const actions = {
  "org.create": "org",
  "org.read": "org",
  "org.update": "org",

  "application.create": "org",
  "application.read": "application",
  "application.update": "application",
  "application.delete": "application",

  "product.create": "org",
  "product.read": "product",
  "product.update": "product",
  "product.delete": "product",

  "device.create": "application",
  "device.read": "device",
  "device.update": "device",
  "device.suspend": "device",
  "device.resume": "device",
  "device.retire": "device",
  "device.mintKey": "device",

  "telemetry.write": "device",
  "telemetry.read": "device",

  "token.create": "org",
  "operatorKey.create": "org",
  "accessKey.create": "application",
  "credential.read": "org",
  "credential.revoke": "org",

  "authority.explain": "org",
  "audit.read": "org",

  "device.tag": "device",

  "metrics.read": "org",
  "member.read": "org",
  "member.invite": "org",
  "member.update": "org",
  "member.remove": "org",
  "simulation.end": "org",

  "usage.read": "org",
  "quota.read": "org",
  "plan.manage": "org",
  "product.setDoor": "product",
  "device.setDoor": "device",
  "list.read": "org",
  "list.update": "org",

  "role.read": "org",
  "role.update": "org",
  "credential.rotate": "org",
  "applicationUser.read": "application",
  "applicationUser.manage": "application",
  "device.bind": "device",
  "person.resetFactors": "org",

  "member.suspend": "org",
  "org.delete": "org",
  "instance.read": "org",
  "instance.manage": "org",

  "provider.read": "org",
  "provider.manage": "org",
  "domain.approve": "org",

  "dashboard.create": "org",
  "dashboard.read": "dashboard",
  "dashboard.update": "dashboard",
  "dashboard.delete": "dashboard",
  "dashboard.share": "dashboard",
  "device.erase": "device",
  "applicationUser.erase": "application",

  "twin.read": "device",
  "twin.update": "device",
  "command.read": "device",
  "command.send": "device",
  "device.enrol": "application",

  "group.read": "application",
  "group.manage": "application",
  "group.task": "application",
  "alert.read": "org",
  "alert.acknowledge": "org",
  "alert.manage": "org",
} as const satisfies Record<string, Kind>;

export type Action = keyof typeof actions;
export type KindOf<A extends Action> = (typeof actions)[A];

export const allActions = Object.keys(actions) as readonly Action[]; // the keys of a constant

/** Asked of the whole deployment, so no organisation's role holds it: only administrators of the instance do. */
export const instanceActions: readonly Action[] = [
  "org.create",
  "metrics.read",
  "plan.manage",
  "person.resetFactors",
  "instance.read",
  "instance.manage",
  "domain.approve",
];

export const isAction = (text: string): text is Action => Object.hasOwn(actions, text);

/** The roles that every organisation has; which actions each holds stands in the server's authority. On the wire: append only. */
export const roleNames = ["owner", "viewer", "administrator", "developer", "operator"] as const;
export type BuiltInRole = (typeof roleNames)[number];

/** What a person may be in an organisation: one of those, or one of its own. */
export type Role = BuiltInRole | Id<"role">;

export const isBuiltIn = (role: string): role is BuiltInRole => roleNames.some((name) => name === role);
