import { z } from "zod";
import { time } from "./shapes.ts";
import { route } from "./route.ts";

const certificate = z.object({
  name: z.string(),
  purpose: z.string(),
  state: z.enum(["current", "coming"]),
  sha256: z.string(),
  publicKeyPin: z.string(),
  notBefore: time,
  notAfter: time,
  pem: z.string(),
});

export const certificates = route({
  method: "GET",
  path: "/security/certificates",
  summary: "Every certificate to trust, current and coming, with links to PEM files and SHA-256.",
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
