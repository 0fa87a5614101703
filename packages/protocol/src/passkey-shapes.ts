import { z } from "zod";
import { id, name, time } from "./shapes.ts";

// Passkeys (WebAuthn, Level 3). The shapes of questions and answers are a browser's own: `parseCreationOptionsFromJSON`,
// `parseRequestOptionsFromJSON` and `toJSON` of PublicKeyCredential read and write them.

const base64url = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[A-Za-z0-9_-]+$/, "not base64url");

/** Browsers add more, which is left alone. */
const answered = <const R extends z.ZodRawShape>(response: R) =>
  z.object({
    id: base64url(1_364),
    rawId: base64url(1_364),
    type: z.literal("public-key"),
    response: z.object({ clientDataJSON: base64url(8_192), ...response }),
  });

export const made = answered({
  attestationObject: base64url(32_768),
  transports: z.array(z.string().max(32)).max(8).optional(),
});
export const shown = answered({
  authenticatorData: base64url(8_192),
  signature: base64url(2_048),
  userHandle: base64url(128).nullish(),
});

/** What `navigator.credentials.create` and `.get` answer, as JSON. */
export type MadePasskey = z.infer<typeof made>;
export type ShownPasskey = z.infer<typeof shown>;

const timeout = z.number().int().describe("Milliseconds until the answer comes too late.");
export const creation = z.object({
  challenge: z.string(),
  rp: z.object({ id: z.string(), name: z.string() }),
  user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
  pubKeyCredParams: z.array(z.object({ type: z.literal("public-key"), alg: z.number().int() })),
  timeout,
  attestation: z.literal("none"),
  authenticatorSelection: z.object({
    residentKey: z.literal("required"),
    requireResidentKey: z.boolean(),
    userVerification: z.literal("required"),
  }),
  excludeCredentials: z.array(
    z.object({ type: z.literal("public-key"), id: z.string(), transports: z.array(z.string()) }),
  ),
});
export const request = z.object({
  challenge: z.string(),
  rpId: z.string(),
  timeout,
  userVerification: z.literal("required"),
});

export const passkey = z.object({
  id: id("passkey"),
  name: z.string(),
  site: z.string().describe("The domain that it is good on, and all below it."),
  createdAt: time,
  lastUsedAt: time.optional(),
  isBackedUp: z.boolean().describe("Whether its maker's cloud has it too."),
  clonedAt: time
    .optional()
    .describe("When it counted backwards, as a copy does. It opens nothing from then on; remove it."),
});
export const passkeys = z.object({ items: z.array(passkey) });
export const passkeyName = name.max(64);
