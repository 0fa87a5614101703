import { z } from "zod";
import { certificateLife } from "./certificates.ts";
import { conditions } from "./conditions.ts";
import { route } from "./route.ts";
import { duration, id, name, time } from "./shapes.ts";

// Manufacturers whose devices enrol by the birth certificates that they have from them (IEEE 802.1AR).

/** Devices that enrol by one credential. */
export const mostEnrolled = 1_000_000;

const certificate = z
  .string()
  .max(16_384)
  .describe(
    "In PEM: of the authority that signs birth certificates, with a key of P-256, P-384, Ed25519, or RSA of 2048 to 8192 bits.",
  );
const on = { path: "application" } as const;

export const askManufacturer = route({
  method: "POST",
  path: "/v1/applications/{application}/manufacturers/nonce",
  summary:
    "Begins to let devices of a manufacturer enrol: answers what the key of its authority has to sign, within ten minutes and for one use, for this certificate and this organisation alone.",
  needs: "accessKey.create",
  on,
  body: z.strictObject({ certificate }),
  reply: z.object({
    nonce: z.string(),
    text: z
      .string()
      .describe("What is to be signed, to the last character and without an end of line: the nonce is in it."),
    expiresAt: time,
  }),
});

export const createManufacturer = route({
  method: "POST",
  path: "/v1/applications/{application}/manufacturers",
  summary:
    "Lets devices enrol that come with a birth certificate which this authority signed: a credential of the kind `enrolment` that has no secret. Revoking it stops that at once.",
  needs: "accessKey.create",
  on,
  body: z.strictObject({
    name,
    product: id("product").describe("Which product each device is of."),
    certificate,
    nonce: z.string().max(64),
    signature: z
      .base64()
      .max(2_048)
      .describe(
        "Of the text, by the key of the authority, in base64: with SHA-256 (ECDSA in DER, RSA by PKCS #1), or Ed25519.",
      ),
    most: z
      .number()
      .int()
      .min(1)
      .max(mostEnrolled)
      .optional()
      .describe("How many devices enrol by it; without it any number."),
    validFor: certificateLife.describe("How long the certificates are good that devices get."),
    expiresIn: duration.optional(),
    conditions: conditions.optional(),
  }),
  reply: z.object({ id: id("key"), expiresAt: time.optional() }),
  status: 201,
  location: "/v1/credentials/{id}",
  isConfirmed: true,
});

export const listManufacturers = route({
  method: "GET",
  path: "/v1/manufacturers",
  summary: "The manufacturers whose devices may enrol, or could, oldest first; all, or those of a product.",
  needs: "credential.read",
  on: "own",
  query: z.strictObject({ product: id("product").optional() }),
  reply: z.object({
    items: z.array(
      z.object({
        id: id("key"),
        name: z.string(),
        state: z.enum(["active", "revoked", "expired"]),
        application: id("application"),
        product: id("product"),
        subject: z.string().describe("Of the authority's certificate: `CN=…, O=…`."),
        sha256: z.string().describe("Of the same: upper-case hex with colons."),
        notAfter: time.describe("When the same is over, and with it enrolling."),
        enrolled: z.number().int().describe("How many devices enrolled by it."),
        most: z.number().int().optional(),
        createdAt: time,
      }),
    ),
  }),
});
