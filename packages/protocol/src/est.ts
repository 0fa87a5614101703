import { route } from "./route.ts";

// Enrolment over Secure Transport (RFC 7030), as stock clients speak it. The label in the path is the id of the organisation, or of the
// application or product that a device is enrolled into.

const certificates = {
  reply: "text",
  media: ["application/pkcs7-mime; smime-type=certs-only"],
  speaks: "est",
} as const;

const cacerts = {
  method: "GET",
  summary:
    "EST: the certificates of the organisation's own authorities, which sign those of its devices; PKCS #7 in base64.",
  ...certificates,
} as const;
export const estCaCerts = route({ ...cacerts, path: "/.well-known/est/cacerts", needs: "signedIn" });
export const estCaCertsOf = route({ ...cacerts, path: "/.well-known/est/{label}/cacerts", needs: "public" });

const csrattrs = {
  method: "GET",
  summary: "EST: which keys a request may be of: P-256 with ECDSA and SHA-256, or Ed25519.",
  reply: "text",
  media: ["application/csrattrs"],
  speaks: "est",
  needs: "public",
} as const;
export const estCsrAttrs = route({ ...csrattrs, path: "/.well-known/est/csrattrs" });
export const estCsrAttrsOf = route({ ...csrattrs, path: "/.well-known/est/{label}/csrattrs" });

const enrolling = {
  method: "POST",
  summary:
    "EST: a device that comes with an enrolment key, or a birth certificate, and a certificate request (PKCS #10 in base64) is made, and gets its certificate. The same again is the same device.",
  needs: "signedIn",
  body: "bytes",
  byBirth: true,
  ...certificates,
} as const;
export const estEnrol = route({ ...enrolling, path: "/.well-known/est/simpleenroll" });
export const estEnrolIn = route({ ...enrolling, path: "/.well-known/est/{label}/simpleenroll" });

const renewing = {
  method: "POST",
  summary:
    "EST: a device that comes with its certificate, or another credential of its own, gets the next one; the one before is good for a day yet.",
  needs: "telemetry.write",
  on: "me",
  body: "bytes",
  ...certificates,
} as const;
export const estRenew = route({ ...renewing, path: "/.well-known/est/simplereenroll" });
export const estRenewIn = route({ ...renewing, path: "/.well-known/est/{label}/simplereenroll" });
