import { z } from "zod";
import { route } from "./route.ts";
import { cursor, id, limit, noReply, pageOf, time } from "./shapes.ts";

// The platform's own roots: what devices are told to trust, what they do trust, and how the platform goes over to the next.

const version = z.number().int().describe("Grows with each change of what is to be trusted.");

export const rootsBundle = route({
  method: "GET",
  path: "/security/roots",
  summary:
    "What devices are to trust, signed by roots that they trust already, so that a device can tell it from what somebody else says.",
  needs: "public",
  reply: z.object({
    version,
    signed: z.base64().describe("JSON: `purpose`, `instance`, `version`, and `roots` in PEM."),
    signatures: z
      .array(z.object({ root: z.string(), signature: z.base64() }))
      .describe("ECDSA with SHA-256 over those bytes, in DER, by the root with that SHA-256."),
  }),
});

const step = z.enum(["coming", "spare"]);

/** Devices that would, or may, reach the platform no more. */
export const rootTrust = ["behind", "unknown"] as const;

/** Devices that come to the platform by themselves, by what they last said. */
const counts = z.object({
  ready: z.number().int().describe("They trust it."),
  behind: z.number().int().describe("They said what they trust, and it is not among that."),
  unknown: z.number().int().describe("They have not said."),
});

const root = z.object({
  name: z.string(),
  state: z.enum(["current", "coming", "spare"]),
  sha256: z.string(),
  notBefore: time,
  notAfter: time,
});

const organisation = z.object({ id: id("org"), behind: z.number().int(), unknown: z.number().int() });
const organisations = z
  .array(organisation)
  .describe("Those with devices that would, or may, be cut off by the coming root; the largest first, 100 at most.");

export const readRoots = route({
  method: "GET",
  path: "/v1/instance/roots",
  summary:
    "How the platform's roots are staged, and how many devices would reach it after a switch to the coming one or the spare. Which devices those are, their organisations see.",
  needs: "instance.read",
  on: "own",
  reply: z.object({
    version,
    roots: z.array(root),
    /** When the coming root takes over by itself, because the current one ends. */
    switchesAt: time,
    /** Whether the spare's key lies in the keyring. */
    spareHere: z.boolean(),
    devices: z.object({ coming: counts, spare: counts }),
    organisations,
  }),
});

export const switchRoots = route({
  method: "POST",
  path: "/v1/instance/roots/switch",
  summary:
    "Goes over to the coming root, or to the spare, for good: what clients are shown is signed by it from now on. Refused while devices would, or may, be cut off, unless their number is given. Open connections stay.",
  needs: "instance.manage",
  on: "own",
  body: z.strictObject({
    to: step.default("coming"),
    cutOff: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe("How many devices may reach the platform no more: as many as are `behind` and `unknown`."),
  }),
  reply: z.object({ version, current: root }),
  isConfirmed: true,
});

export const listDeviceRoots = route({
  method: "GET",
  path: "/v1/devices/roots",
  summary:
    "The devices that would, or may, be cut off when the platform goes over to another root: they said that they do not trust it, or have not said.",
  needs: "device.read",
  on: "reach",
  pages: true,
  query: z.strictObject({ limit, cursor, to: step.default("coming"), trust: z.enum(rootTrust).optional() }),
  reply: pageOf(
    z.object({
      device: id("device"),
      name: z.string(),
      application: id("application"),
      trust: z.enum(rootTrust),
      /** What it said that it trusts, as SHA-256 of the certificates. */
      roots: z.array(z.string()).optional(),
      saidAt: time.optional(),
    }),
  ),
});

export const reportRoots = route({
  method: "PUT",
  path: "/v1/me/roots",
  summary: "A device says which roots it trusts, in place of what it said before. Over MQTT at `me/roots`.",
  needs: "telemetry.write",
  on: "me",
  body: "bytes",
  reply: noReply,
});
