import { Refusal, type Id, type Instant } from "@holdfast/kernel";
import { betweenTags, unfindable, type Door } from "@holdfast/protocol";

/** What a device is called and where it belongs, whatever its state. */
type Described = {
  readonly id: Id<"device">;
  readonly name: string;
  readonly application: Id<"application">;
  readonly product: Id<"product"> | undefined;
  /** The user of its application whose it is. */
  readonly user?: Id<"user"> | undefined;
  /** The device that speaks for it. */
  readonly gateway?: Id<"device"> | undefined;
  /** Another name in topics of firmware that was written for another platform. */
  readonly alias: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** What it demands of whoever comes to it, beyond its product. */
  readonly door?: Door | undefined;
  /** How often it should report, as somebody wrote it: `15m`. In place of what its product says. */
  readonly reportingInterval?: string | undefined;
  readonly createdAt: Instant;
  /** Where its last suspension or resumption stands in the deployment's sequence; 0 when there was none. */
  readonly turn: number;
  /** Where its last move to another application or product stands in that sequence; 0 while it is where it was made. */
  readonly placed: number;
  /** Grows with each change; what is sealed under an older one does not open in a newer row. */
  readonly version: number;
};

export type Active = Described & { readonly state: "active" };
export type Suspended = Described & { readonly state: "suspended"; readonly since: Instant };
export type Retired = Described & { readonly state: "retired"; readonly retiredAt: Instant };

/** A device is in exactly one of these states; there is no `retired?: boolean` to misread. */
export type Device = Active | Suspended | Retired;

/** What may be changed of a device that is not retired. `undefined` leaves a field alone; `null` takes it away. */
export type DeviceChange = {
  readonly name?: string | undefined;
  readonly application?: Id<"application"> | undefined;
  readonly product?: Id<"product"> | null | undefined;
  readonly alias?: string | null | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly reportingInterval?: string | null | undefined;
};

export function change(device: Device, wanted: DeviceChange): Active | Suspended {
  if (device.state === "retired") throw new Refusal("device.retired");
  const stays = wanted.application === undefined || wanted.application === device.application;
  const { reportingInterval: before, ...rest } = device;
  const reportingInterval = wanted.reportingInterval === undefined ? before : wanted.reportingInterval;
  return {
    ...rest,
    ...(typeof reportingInterval === "string" && { reportingInterval }),
    name: wanted.name ?? device.name,
    application: wanted.application ?? device.application,
    // Users and gateways are of one application: elsewhere it is nobody's yet.
    user: stays ? device.user : undefined,
    ...(device.gateway && { gateway: stays ? device.gateway : undefined }),
    product: wanted.product === undefined ? device.product : (wanted.product ?? undefined),
    alias: wanted.alias === undefined ? device.alias : (wanted.alias ?? undefined),
    tags: wanted.tags ?? device.tags,
    version: device.version + 1,
  };
}

/** What is taken away is nobody's. */
export function bind(device: Device, user: Id<"user"> | undefined): Device {
  if (device.state === "retired" && user) throw new Refusal("device.retired");
  return { ...device, user, version: device.version + 1 };
}

/** Which device speaks for it from now on, or none. */
export function tie(device: Device, gateway: Id<"device"> | undefined): Device {
  if (gateway === device.gateway) return device;
  if (device.state === "retired" && gateway) throw new Refusal("device.retired");
  return { ...device, gateway, version: device.version + 1 };
}

export function isTaggedAlike(a: Pick<Device, "tags">, b: Pick<Device, "tags">): boolean {
  const keys = Object.keys(a.tags);
  return keys.length === Object.keys(b.tags).length && keys.every((key) => a.tags[key] === b.tags[key]);
}

/** By its tags; one that it has already may stay. @throws Refusal `request.malformed` */
export function refuseUnfindable(after: Pick<Device, "tags">, before: Pick<Device, "tags">): void {
  const faults = Object.entries(after.tags)
    .filter(([key, value]) => value !== before.tags[key] && betweenTags.test(value))
    .map(([key]) => ({ path: `tags.${key}`, message: unfindable }));
  if (faults.length > 0) throw new Refusal("request.malformed", { faults });
}

/** What it demands from now on; nothing of its own when there is none. */
export function setDoor(device: Device, door: Door | undefined): Active | Suspended {
  const { door: _before, ...rest } = change(device, {});
  return door ? { ...rest, door } : rest;
}

type Belonging = { application: string; product: string | null; tags: Readonly<Record<string, string>> };

/** What decides who reaches a device, as far as a change touches it: as it was, and as it is. For the audit log. */
export function relocation(before: Device, after: Device): { from?: Partial<Belonging>; to?: Partial<Belonging> } {
  const from: Partial<Belonging> = {};
  const to: Partial<Belonging> = {};
  if (before.application !== after.application) {
    from.application = before.application;
    to.application = after.application;
  }
  if (before.product !== after.product) {
    from.product = before.product ?? null;
    to.product = after.product ?? null;
  }
  if (!isTaggedAlike(before, after)) {
    from.tags = before.tags;
    to.tags = after.tags;
  }
  return Object.keys(to).length > 0 ? { from, to } : {};
}

export function suspend(device: Device, since: Instant, turn: number): Suspended {
  switch (device.state) {
    case "active":
      return { ...device, state: "suspended", since, turn, version: device.version + 1 };
    case "suspended":
      return device;
    case "retired":
      throw new Refusal("device.retired");
  }
}

export function resume(device: Device, turn: number): Active {
  switch (device.state) {
    case "active":
      throw new Refusal("device.notSuspended");
    case "suspended": {
      const { since: _, ...described } = device;
      return { ...described, state: "active", turn, version: device.version + 1 };
    }
    case "retired":
      throw new Refusal("device.retired");
  }
}

/** The alias is free again; the rest stays, so that what was measured can still be read under its name. */
export function retire(device: Device, retiredAt: Instant): Retired {
  switch (device.state) {
    case "active":
      return { ...device, state: "retired", retiredAt, alias: undefined, version: device.version + 1 };
    case "suspended": {
      const { since: _, ...described } = device;
      return { ...described, state: "retired", retiredAt, alias: undefined, version: device.version + 1 };
    }
    case "retired":
      throw new Refusal("device.retired");
  }
}
