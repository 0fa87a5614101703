import { z } from "zod";
import { conditions } from "./conditions.ts";
import { id, limit, name, newTags, noReply, pageOf, publicKey, tags, time, version } from "./shapes.ts";
import { mqttSessions } from "./mqtt-sessions.ts";
import { deviceFindings } from "./posture.ts";
import { attributeName, reportingInterval } from "./products.ts";
import { route } from "./route.ts";
import { tlsVersions } from "./transport.ts";

/** Another name that a device goes by: in topics of firmware that was written for another platform. */
/** Blanks stand within, because names of other platforms have them. */
const alias = z
  .string()
  .regex(/^(?! )[A-Za-z0-9._ -]{1,64}(?<! )$/, "not an alias: letters, digits, . _ - and blanks within (64 at most)");

/** What is wrong with a device beyond being away. */
export const deviceTroubles = ["silent", "notReceiving", "flapping"] as const;
/** What a list of devices may be asked for. */
export const presenceFilters = ["online", "offline", ...deviceTroubles] as const;

/** How a device is, since when, and why. One that only sends over HTTPS is seen, never connected. */
const presence = z.object({
  state: z
    .enum(["online", "offline", "never", ...deviceTroubles])
    .describe(
      "`online` while at least one MQTT session is connected, its own or that of the gateway that speaks for it, unless something is wrong: `silent` has sent no reading for two of its reporting " +
        "intervals, `notReceiving` has acknowledged nothing of what it was sent for 30 seconds, `flapping` came and went six times within " +
        "five minutes and has not been steady for two since.",
    ),
  connected: z.boolean().describe("Whether an MQTT session of its own is connected, whatever the state."),
  since: time.optional().describe("Since when it is so."),
  because: z.string().optional().describe("Why, in words; open to new ones."),
  lastSeenAt: time
    .optional()
    .describe("When it last connected or said goodbye, or something came from it or in its name."),
});

/** How a list of devices may be sorted; `-` is descending. */
export const deviceOrders = ["createdAt", "-createdAt", "name", "-name", "lastSeenAt", "-lastSeenAt"] as const;

export const device = z.object({
  id: id("device"),
  state: z.enum(["active", "suspended", "retired"]),
  name: z.string(),
  application: id("application"),
  product: id("product").optional(),
  user: id("user").optional().describe("The application user whose it is."),
  gateway: id("device").optional().describe("The device that speaks for it."),
  alias: alias.optional(),
  tags,
  reportingInterval: reportingInterval.optional().describe("Its own, in place of its product's."),
  createdAt: time,
  suspendedAt: time.optional(),
  retiredAt: time.optional(),
  presence,
  lastTls: z
    .object({ version: z.enum(tlsVersions), group: z.string().optional().describe("Of its key exchange: `X25519`.") })
    .optional()
    .describe("How it came last, of the times that it came over TLS itself."),
  findings: z
    .array(z.enum(deviceFindings))
    .default([])
    .describe("What is weak about it, the worst first. `GET /v1/devices/posture` says what each means and what to do."),
  version,
});

/** Attributes that a number stands for: what one byte of CBOR holds. */
const mostNumbered = 24;

const broughtSecret = z.string().max(256);

const key = z.object({ id: id("key"), secret: z.string() });
const on = { path: "device" } as const;

export const createDevice = route({
  method: "POST",
  path: "/v1/devices",
  summary: "Makes a device and its first key, whose secret is shown this once. With tags it needs device.tag too.",
  needs: "device.create",
  on: { body: "application" },
  body: z.strictObject({
    application: id("application"),
    name,
    product: id("product").optional(),
    alias: alias.optional(),
    tags: newTags.default({}),
    /** Which device of the same application speaks for it. It needs device.bind of both. */
    gateway: id("device").optional(),
    reportingInterval: reportingInterval.optional(),
    secret: broughtSecret
      .optional()
      .describe(
        "That it brings with it, for its first key, and that is not shown again: no default that is known, none that can be guessed, and no other device's. Without it the platform makes one.",
      ),
    /** To which its first key is bound. */
    publicKey: publicKey.optional(),
    /** Under which its first key is good. */
    conditions: conditions.optional(),
  }),
  reply: device.extend({ key: key.extend({ secret: z.string().optional() }) }),
  status: 201,
  location: "/v1/devices/{id}",
  versioned: true,
  mints: "key.secret",
  isConfirmed: true,
});

export const checkSecrets = route({
  method: "POST",
  path: "/v1/applications/{application}/secret-checks",
  summary:
    "What would be wrong with secrets that devices are to bring, before any is made: in the same order, `code` where one would be refused. Forty such questions at once, and two a minute.",
  needs: "device.create",
  on: { path: "application" },
  body: z.strictObject({
    secrets: z
      .array(z.strictObject({ secret: broughtSecret, name: name.optional(), alias: alias.optional() }))
      .min(1)
      .max(1_000),
  }),
  reply: z.object({
    items: z.array(
      z.object({
        code: z.enum(["secret.known", "secret.weak", "secret.shared"]).optional(),
        detail: z.string().optional(),
      }),
    ),
  }),
});

export const listDevices = route({
  method: "GET",
  path: "/v1/devices",
  summary:
    "The devices that the caller may read, oldest first unless sorted otherwise, and how many there are in all pages.",
  needs: "device.read",
  on: "reach",
  pages: true,
  query: z.strictObject({
    limit,
    /** It holds the last name of a page, sealed. A cursor belongs to the sort and the filter that it was made with. */
    cursor: z.string().max(1_200).optional(),
    application: id("application").optional(),
    product: id("product").optional(),
    gateway: id("device").optional().describe("The children of this device."),
    state: z.enum(["active", "suspended", "retired"]).optional(),
    tag: z
      .string()
      .max(400)
      .optional()
      .describe("`key=value,…`: devices that have all; a comma that no `key=` follows is the value's."),
    presence: z
      .enum(presenceFilters)
      .optional()
      .describe(
        "`online` is whatever is connected, `offline` whatever is not, never connected included; the others are those in which something is wrong. None of it is retired.",
      ),
    finding: z.enum(deviceFindings).optional().describe("Only what has this finding. What is retired has none."),
    q: z
      .string()
      .max(200)
      .optional()
      .describe("Words that the name, the alias or the id has to contain, whatever their case."),
    sort: z.enum(deviceOrders).optional().describe("`-` is descending; `createdAt` when nothing is said."),
  }),
  reply: pageOf(device).extend({ total: z.number().int() }),
});

/** How many devices there are. Those with something wrong are among the others. `online`, `offline` and `retired` add up to `total`, and so do `active`, `suspended` and `retired`. */
const deviceCounts = z.object({
  total: z.number().int(),
  online: z.number().int(),
  offline: z.number().int(),
  active: z.number().int(),
  suspended: z.number().int(),
  retired: z.number().int(),
  silent: z.number().int(),
  notReceiving: z.number().int(),
  flapping: z.number().int(),
});

export const summariseDevices = route({
  method: "GET",
  path: "/v1/devices/summary",
  summary:
    "How many devices the caller may read: in each state, and how many of those that are not retired are connected.",
  needs: "device.read",
  on: "reach",
  pages: true,
  reply: deviceCounts,
});

export const readDevice = route({
  method: "GET",
  path: "/v1/devices/{device}",
  summary: "One device.",
  needs: "device.read",
  on,
  pages: true,
  reply: device,
  versioned: true,
});

export const listDeviceSessions = route({
  method: "GET",
  path: "/v1/devices/{device}/sessions",
  summary:
    "The MQTT sessions of a device, those that are connected first, at most a hundred: since when, what each subscribed to, what waits for it, and what it lost.",
  needs: "device.read",
  pages: true,
  on,
  reply: mqttSessions,
});

export const updateDevice = route({
  method: "PATCH",
  path: "/v1/devices/{device}",
  summary:
    "Changes a device's name, alias, product, tags (as a whole) or application. Other tags need device.tag too, moving needs device.create on the target.",
  needs: "device.update",
  on,
  body: z.strictObject({
    name: name.optional(),
    application: id("application").optional(),
    product: id("product").nullable().optional(),
    alias: alias.nullable().optional(),
    tags: tags.optional(), // one that no list could be asked for is refused where it is new
    reportingInterval: reportingInterval.nullable().optional().describe("`null`: what its product says."),
  }),
  reply: device,
  versioned: true,
});

export const bindDevice = route({
  method: "PUT",
  path: "/v1/devices/{device}/user",
  summary: "Says which user of its application a device belongs to, or with null nobody: that holds at once.",
  needs: "device.bind",
  on,
  body: z.strictObject({ user: id("user").nullable() }),
  reply: device,
  versioned: true,
});

export const setGateway = route({
  method: "PUT",
  path: "/v1/devices/{device}/gateway",
  summary:
    "Says which device of the same application speaks for this one, in place of any other. It needs device.bind of both.",
  needs: "device.bind",
  on,
  body: z.strictObject({ gateway: id("device") }),
  reply: device,
  versioned: true,
});

export const removeGateway = route({
  method: "DELETE",
  path: "/v1/devices/{device}/gateway",
  summary: "From now on no device speaks for this one but itself: that holds within a second, on open connections too.",
  needs: "device.bind",
  on,
  reply: noReply,
  versioned: true,
});

export const suspendDevice = route({
  method: "POST",
  path: "/v1/devices/{device}/suspend",
  summary: "Silences a device until it is resumed; its connections close within a second.",
  needs: "device.suspend",
  on,
  reply: device,
  versioned: true,
});

export const resumeDevice = route({
  method: "POST",
  path: "/v1/devices/{device}/resume",
  summary: "Lets a suspended device speak again.",
  needs: "device.resume",
  on,
  reply: device,
  versioned: true,
});

export const retireDevice = route({
  method: "POST",
  path: "/v1/devices/{device}/retire",
  summary: "Ends a device for good, with every key it has. What it measured stays.",
  needs: "device.retire",
  on,
  reply: device,
  versioned: true,
});

export const deleteDevice = route({
  method: "DELETE",
  path: "/v1/devices/{device}",
  summary: "The same as retiring it.",
  needs: "device.retire",
  on,
  reply: noReply,
  versioned: true,
});

export const mintDeviceKey = route({
  method: "POST",
  path: "/v1/devices/{device}/keys",
  summary: "A further key for a device, shown this once. Two may overlap while one replaces the other.",
  needs: "device.mintKey",
  on,
  body: z.strictObject({
    kind: z
      .enum(["device", "certificate", "socket"])
      .default("device")
      .describe(
        "`certificate`: a client certificate of `publicKey` signs the device in alone, without a secret. `socket`: a secret that seals frames of a direct socket.",
      ),
    publicKey: publicKey.optional(),
    attributes: z
      .array(attributeName)
      .min(1)
      .max(mostNumbered)
      .optional()
      .describe(
        "Of a socket: the attributes that numbers stand for in its CBOR, from 0 on, so that names need not travel.",
      ),
    conditions: conditions.optional(),
  }),
  reply: key.extend({ secret: z.string().optional() }),
  status: 201,
  location: "/v1/credentials/{id}",
  mints: "secret",
  isConfirmed: true,
});
