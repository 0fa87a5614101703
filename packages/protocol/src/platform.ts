import { z } from "zod";
import { time } from "./shapes.ts";
import { route } from "./route.ts";

const certificate = z.object({
  name: z.string(),
  purpose: z.string(),
  state: z.enum(["current", "coming", "spare"]),
  sha256: z.string(),
  publicKeyPin: z.string(),
  notBefore: time,
  notAfter: time,
  pem: z.string(),
});

export const certificates = route({
  method: "GET",
  path: "/security/certificates",
  summary: "Every certificate to trust, current, coming and spare, with links to PEM files and SHA-256.",
  needs: "public",
  reply: z.object({ certificates: z.array(certificate) }),
});

export const certificateFile = route({
  method: "GET",
  path: "/security/certificates/{file}",
  summary: "One certificate as PEM.",
  needs: "public",
  reply: "text",
});

export const healthz = route({
  method: "GET",
  path: "/healthz",
  summary: "The process answers.",
  needs: "public",
  reply: z.object({ ok: z.boolean() }),
});

export const readyz = route({
  method: "GET",
  path: "/readyz",
  summary: "The platform can take and keep readings; 503 with the reason when it cannot.",
  needs: "public",
  reply: z.object({ ready: z.boolean() }),
});

export const metrics = route({
  method: "GET",
  path: "/metrics",
  summary:
    "Counters of the whole deployment in the Prometheus text format, by an administrator of the instance or from the platform's own machine.",
  needs: "metrics.read",
  on: "own",
  openTo: "thisMachine",
  reply: "text",
});

export const openapi = route({
  method: "GET",
  path: "/openapi.json",
  summary: "This API as OpenAPI 3.1.",
  needs: "public",
  reply: z.record(z.string(), z.unknown()),
});

export const securityTxt = route({
  method: "GET",
  path: "/.well-known/security.txt",
  summary: "How to report a vulnerability (RFC 9116).",
  needs: "public",
  reply: "text",
});

/** When a key was made, or by when at the latest where it is older than the note of it. */
const made = z.object({ at: time, known: z.enum(["exactly", "atLatest"]) });

/** How a platform is set up, as its members may know it. */
export const platformFacts = z.object({
  version: z.string(),
  url: z.string(),
  mqttsUrl: z.string(),
  /** Where HTTPS takes client certificates; nowhere, when it is left out. */
  clientCertificateUrl: z.string().optional(),
  /** What clients have to trust; without it, what their system trusts is enough. */
  caPem: z.string().optional(),
  tls: z.object({ minimum: z.string(), groups: z.array(z.string()), suites: z.array(z.string()) }),
  certificates: z.array(
    z.object({
      /** What clients are shown, or what they trust. */
      what: z.enum(["server", "authority"]),
      subject: z.string().optional(),
      state: z.enum(["current", "coming", "spare"]),
      sha256: z.string(),
      notBefore: time,
      notAfter: time,
    }),
  ),
  keys: z.object({
    place: z.enum(["folder beside the data", "folder", "postgresql"]),
    /** On the disk of the data: whoever takes it has both. */
    besideData: z.boolean(),
    /** Never, when it is left out. */
    backedUpAt: time.optional(),
    newSinceBackup: z.number().int(),
    /**
     * Why the copy is to be replaced, and destroyed: something was erased since, which it still opens; or it is older than 30 days. Platforms
     * of before say nothing.
     */
    stale: z.enum(["erasure", "age"]).optional(),
    /** The keys above others: of the caller's organisation, the root, and what wraps the lasting keys and the log's. Left out where nobody knows. */
    made: z.object({
      organisation: made.optional(),
      root: made.optional(),
      lasting: made.optional(),
      passing: made.optional(),
    }),
  }),
  /** Of the data: how often the platform makes one by itself, where it does, and when the last good one was made. Platforms of before say nothing. */
  backups: z
    .object({ everyHours: z.number().int().optional(), lastAt: time.optional(), isLate: z.boolean() })
    .optional(),
  /**
   * Whether the disk of the data is almost full, so that nothing new is taken; and whether what is old stays there because the object store does not take it.
   * Platforms of before say nothing.
   */
  storage: z.object({ isFull: z.boolean(), isMoveHeldUp: z.boolean() }).optional(),
  listeners: z.array(
    z.object({
      protocol: z.enum(["https", "mqtts", "udp", "tcp"]),
      port: z.number().int(),
      transports: z.array(z.string()),
    }),
  ),
  /** How letters to people leave: by a mail server, or, without one, those with a link into a file for whoever runs the instance. */
  mail: z
    .object({
      by: z.enum(["mail", "file"]),
      /** Letters that wait. */
      waiting: z.number().int(),
      /** Whether the last one was taken. */
      isTaken: z.boolean(),
    })
    .optional(),
  /** Bytes of one message. */
  limits: z.object({ maximumMessage: z.number().int() }),
  /** On the platform's machine; for administrators of the instance alone. */
  folders: z.object({ data: z.string(), keys: z.string().optional() }).optional(),
});

export const readPlatform = route({
  method: "GET",
  path: "/v1/platform",
  summary:
    "How this platform is set up: TLS, certificates, listeners, how its keys are kept and how old they are. Who runs the instance sees folders too.",
  needs: "org.read",
  on: "own",
  reply: platformFacts,
});

/** RFC 9457, with a stable code. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  code: z.string(),
  requestId: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
