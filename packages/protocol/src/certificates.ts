import { z } from "zod";
import { conditions } from "./conditions.ts";
import { duration, id, name, noReply, time } from "./shapes.ts";
import { route } from "./route.ts";

const day = 86_400_000; // milliseconds
const mostDays = 398;

/** In milliseconds. */
export const certificateLife = duration
  .refine((milliseconds) => milliseconds <= mostDays * day, `${mostDays} days at most`)
  .default(90 * day);

const asked = {
  csr: z
    .string()
    .max(8_192)
    .describe(
      "A certificate request (PKCS #10) in PEM, of a key of P-256 or Ed25519. Its key counts, and nothing else that it asks for.",
    ),
  validFor: certificateLife.describe(
    `How long the certificate is good, ${mostDays}d at most; never longer than its credential.`,
  ),
};

const issued = z.object({
  /** The credential that it is shown for. */
  id: id("key"),
  certificateAuthority: id("certificateAuthority"),
  serial: z.string().describe("In hexadecimal digits."),
  certificate: z.string().describe("In PEM."),
  chain: z.string().describe("In PEM: the certificate of the authority that signed it."),
  notBefore: time,
  notAfter: time,
});

export const revocationList = route({
  method: "GET",
  path: "/.well-known/crl/{file}",
  summary:
    "The revocation list (RFC 5280, DER) of an authority of an organisation's own, as `{certificateAuthority}.crl`: its certificates that are good for nothing before their end.",
  needs: "public",
  reply: "text",
  media: ["application/pkix-crl"],
});

export const issueCertificate = route({
  method: "POST",
  path: "/v1/devices/{device}/certificates",
  summary:
    "Issues a client certificate, by the organisation's own authority, that signs the device in alone. It is a key of the device like others: two may overlap.",
  needs: "device.mintKey",
  on: { path: "device" },
  body: z.strictObject({
    ...asked,
    name: name.optional(),
    expiresIn: duration.optional().describe("When the credential ends, whatever certificates it got meanwhile."),
    conditions: conditions.optional(),
  }),
  reply: issued.extend({ expiresAt: time.optional() }),
  status: 201,
  location: "/v1/credentials/{id}",
  isConfirmed: true,
});

export const renewCertificate = route({
  method: "POST",
  path: "/v1/me/certificates",
  summary:
    "A device gets another certificate for its credential, whose present one is good for a day yet; with a key that had none so far, one that ends with that key.",
  needs: "telemetry.write",
  on: "me",
  body: z.strictObject(asked),
  reply: issued.extend({ expiresAt: time.optional(), formerEndsAt: time.optional() }),
  status: 201,
  location: "/v1/credentials/{id}",
});

export const listCertificates = route({
  method: "GET",
  path: "/v1/credentials/{credential}/certificates",
  summary: "The certificates that were issued for a credential and are not over, newest first.",
  needs: "credential.read",
  on: "own",
  reply: z.object({ items: z.array(issued) }),
});

export const listCertificateAuthorities = route({
  method: "GET",
  path: "/v1/certificate-authorities",
  summary:
    "The organisation's own authorities, which issue certificates to its devices; the first is made when it is needed.",
  needs: "org.read",
  on: "own",
  reply: z.object({
    items: z.array(
      z.object({
        id: id("certificateAuthority"),
        name: z.string(),
        certificate: z.string().describe("In PEM."),
        sha256: z.string().describe("Of the certificate: upper-case hex with colons."),
        notBefore: time,
        notAfter: time,
      }),
    ),
  }),
});

export const endCertificateAuthority = route({
  method: "DELETE",
  path: "/v1/certificate-authorities/{certificateAuthority}",
  summary:
    "Ends an authority for good, with its key, and every certificate that it issued. The next certificate is issued by a new one.",
  needs: "credential.revoke",
  on: "own",
  reply: noReply,
});
