import { z } from "zod";
import { route } from "./route.ts";

/** What is weak about a device, the worst first. A name never gets another meaning; others may come. */
export const deviceFindings = [
  "plain",
  "shared",
  "listening",
  "oldTls",
  "classical",
  "certificateEnding",
  "oldSecret",
  "silent",
  "neverSeen",
  "defaultDoor",
] as const;
export type DeviceFinding = (typeof deviceFindings)[number];

/** What each means, and what to do about it. */
export const findingTexts: Readonly<Record<DeviceFinding, { readonly says: string; readonly fix: string }>> = {
  plain: {
    says: "Its door takes plain text from a direct socket: anybody can send in its name, and read along.",
    fix: "Once it seals its frames (docs/sockets.md), leave the direct socket to these alone: holdfast door set DEVICE --socket sealed, or Access on its page. What else its door says stays.",
  },
  shared: {
    says: "What it signs in with seems to be used by two: another device has the same key, or two connections by one credential keep coming from different addresses.",
    fix: "Give each its own: holdfast device key DEVICE for the one, then holdfast credential revoke KEY for what both have. holdfast session list shows from where it is used.",
  },
  listening: {
    says: "It reports ports that it listens on: whoever reaches its network can speak to it past its door.",
    fix: "Close them: a device only ever connects outwards. holdfast twin get DEVICE shows which they are.",
  },
  oldTls: {
    says: "It came last over TLS 1.2, whose key exchange protects nothing from a quantum computer to come.",
    fix: "Give it a client with TLS 1.3, then hold it to that: holdfast door set DEVICE --tls TLSv1.3, or Access on its page.",
  },
  classical: {
    says: "It came last with a classical key exchange: what is recorded today may be read by a quantum computer to come.",
    fix: "Give it a client whose TLS offers X25519MLKEM768, as OpenSSL does from 3.5 on.",
  },
  certificateEnding: {
    says: "The last of its certificates ends soon, and it does not come in with one that is over.",
    fix: "Let it renew, as docs/enrolment.md shows, or issue another: holdfast device certificate DEVICE, or Access on its page.",
  },
  oldSecret: {
    says: "A secret or key of it is older than the organisation wants them to be.",
    fix: "Replace it: holdfast credential rotate KEY, or for a key pair holdfast device key DEVICE and holdfast credential revoke KEY. How old they may be: holdfast org upkeep.",
  },
  silent: {
    says: "It has sent no reading for two of its reporting intervals.",
    fix: "See whether it is refused: holdfast device tail DEVICE, or Live on its page. How often it should report: holdfast device update DEVICE --reporting-interval.",
  },
  neverSeen: {
    says: "Nothing has ever come from it, and what it signs in with may be anywhere.",
    fix: "Connect it, and see what it meets: holdfast device tail DEVICE, or Live on its page. If nobody needs it: holdfast device retire DEVICE.",
  },
  defaultDoor: {
    says: "Nobody has narrowed its door: it takes every transport but direct sockets, from anywhere, at any hour.",
    fix: "Say what it needs, of its product or of itself: holdfast door set PRODUCT --transport mqtts --tls TLSv1.3, or Access on its page.",
  },
};

export const readPosture = route({
  method: "GET",
  path: "/v1/devices/posture",
  summary:
    "What is weak about the devices that the caller may read: how many of them have each finding, and what to do about it. `GET /v1/devices?finding=` lists those.",
  needs: "device.read",
  on: "reach",
  pages: true,
  reply: z.object({
    total: z.number().int().describe("How many there are, without those that are retired: these have no findings."),
    well: z.number().int().describe("Of those, how many have no finding at all."),
    items: z
      .array(
        z.object({
          finding: z.enum(deviceFindings),
          devices: z.number().int(),
          says: z.string(),
          fix: z.string(),
        }),
      )
      .describe("Every finding that there is, the worst first, also where no device has it."),
  }),
});
