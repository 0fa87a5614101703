import type { Naming, Publication, Transport, Welcome } from "@holdfast/mqtt";
import { isId, type Id } from "@holdfast/kernel";
import { parseTopic, telemetryTopic, type Topic } from "@holdfast/protocol";
import type { Account, Admitted, Meter } from "../accounting/index.ts";
import { cameBy, type Caller, type Came, type Names, type Space } from "../authority/index.ts";
import { fit } from "../live/index.ts";
import { foreignName } from "./foreign-names.ts";
import { MessageGate } from "./gate.ts";
import type { BodyKind, Source } from "../telemetry/index.ts";
import type { Receiving, Seen } from "./presence.ts";
import { wayOf } from "./way.ts";

/** What the hub keeps of one MQTT session. */
export type SessionContext = {
  readonly caller: Caller;
  readonly address: string;
  readonly account: Account;
  /** Where its organisation may have so many connections. */
  readonly admitted: Admitted | undefined;
  /** The device's other name in topics, as its names were last made. */
  alias: string | undefined;
  /** Its children and its groups, as their names were last made. */
  children: Names | undefined;
  groups: ReadonlyMap<string, Id<"group">> | undefined;
  /** The client id, fit to be shown; until the session is open as the client sent it. */
  session: string;
  /** Of a device's own session, once it is open: where it is written down that it was heard. */
  seen: Seen | undefined;
  /** Of a device's own connection: whether its client acknowledges what it is sent. */
  receiving: Receiving | undefined;
  /** Whom it was to hear of and might not: of itself, of a child. */
  readonly barred: Set<Id<"device">>;
  /** What the topic of its last message means: most sessions know one topic. */
  last: Spoken | undefined;
};

/** A topic as the broker gave it and as the client named it, and what follows from the two for all its messages. */
export type Spoken = {
  readonly topic: string;
  readonly named: string;
  /** What the device says beside telemetry: what it is like, or what became of a command. */
  readonly beside: Exclude<Topic, { kind: "telemetry" }> | undefined;
  readonly source: Source;
  readonly kind: BodyKind;
  /** Where its points are counted. */
  readonly meter: Meter;
};

/** The listener gives its ways in these two names. */
export const cameOver = ({ name, remoteAddress, tls, group, origin, certificate }: Transport): Came => ({
  ...cameBy(name === "wss" ? "wss" : "mqtts", remoteAddress, tls, origin),
  group,
  certificate,
});

/** Where a device's session lives: its own tree, those of its children, its groups and nothing else, under its own name for it and under those of other platforms. */
export function treeOf(space: Space, device: Id<"device">): Naming {
  const target = telemetryTopic(device);
  const alias = space.device(device)?.alias;
  const names = alias === undefined ? [device] : [device, alias];
  return {
    mounts: [{ prefix: "me/", target: `devices/${device}/` }],
    synonyms: [
      { topic: "v1/devices/me/telemetry", target },
      ...names.map((name) => ({ topic: `losant/${name}/state`, target })),
    ],
    further: (written) => foreignName(device, alias, written),
    families: [
      {
        prefix: "children/",
        target: "devices/",
        names: space.children.namesOf(device),
        nameOf: (id) => (isId("device", id) ? (space.device(id)?.alias ?? id) : undefined),
      },
      {
        prefix: "groups/",
        target: "groups/",
        names: space.groups.namesOf(device),
        nameOf: (id) => (isId("group", id) ? (space.groups.get(id)?.name ?? id) : undefined),
      },
    ],
    mountsOnly: true,
  };
}

/** The alias that a caller's device has now. */
export const aliasOf = ({ credential: { device }, space }: Caller): string | undefined =>
  device && space.device(device)?.alias;

/** A device has one client, or a few programs. A key of an application or a person is that of many instances, each with a session. */
const sessionsOf = { device: 16, others: 1_000 };

export function welcome(
  caller: Caller,
  account: Account,
  clientId: string,
  address: string,
  admitted?: Admitted,
): Welcome<SessionContext> {
  const { space, credential, expiresAt } = caller;
  const { device } = credential;
  const alias = aliasOf(caller);
  const children = device && space.children.namesOf(device);
  const groups = device && space.groups.namesOf(device);
  const barred = new Set<Id<"device">>();
  return {
    space,
    // A device finds its session again under whichever of its keys it comes.
    principal: device ?? credential.id,
    maximumSessions: device ? sessionsOf.device : sessionsOf.others,
    application: credential.application ?? space.org,
    ...(device && treeOf(space, device)),
    gate: new MessageGate(caller, barred),
    expiresAt,
    // By which `Hub.revive` finds the caller again.
    keepsake: credential.id,
    context: {
      caller,
      address,
      account,
      admitted,
      alias,
      children,
      groups,
      session: fit(clientId),
      seen: undefined,
      receiving: undefined,
      barred,
      last: undefined,
    },
    responseInformation: device && "me/",
  };
}

/** It is the same session, which has its name and has been heard; whose client has proved once more who it is. */
export function provedAgain(before: SessionContext, { caller, barred }: SessionContext): SessionContext {
  for (const one of before.barred) barred.add(one);
  return { ...before, caller, barred, last: undefined };
}

export const receivingOf = ({ address, caller: { credential, circumstances } }: SessionContext): Receiving => ({
  unansweredSince: undefined,
  address,
  credential: credential.id,
  way: wayOf(circumstances),
  since: 0,
});

/** What a topic means, or `undefined` for one that means nothing here. */
export function spokenOf(
  { account, caller, session }: SessionContext,
  topic: string,
  named: string,
): Spoken | undefined {
  const about = parseTopic(topic);
  if (!about) return undefined;
  const { device } = about;
  const { space, credential } = caller;
  const meter = account.meter("mqtt", credential, device);
  const source: Source = { space, device, via: "mqtt", topic: named, session, credential: credential.id, meter };
  const beside = about.kind === "telemetry" ? undefined : about;
  return { topic, named, beside, source, kind: { dialect: dialectOf(named) }, meter };
}

/** Which platform the firmware was written for: it says so by the topic that it publishes to. */
const dialectOf = (named: string): BodyKind["dialect"] =>
  named.startsWith("losant/")
    ? "losant"
    : named.startsWith("v1/") || named.startsWith("v2/")
      ? "thingsboard"
      : "holdfast";

/** What MQTT 5 says of a message. It has no word for how a payload was compressed: a user property of HTTP's name says it. */
export function kindOf({ properties: { contentType, userProperties } }: Publication, kind: BodyKind): BodyKind {
  const encoding = userProperties?.find(([name]) => name.toLowerCase() === "content-encoding")?.[1];
  return contentType === undefined && encoding === undefined ? kind : { ...kind, contentType, encoding };
}
