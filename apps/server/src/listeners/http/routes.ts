import { Refusal, rfc3339, type Id, type Instant } from "@holdfast/kernel";
import { routes, type platformFacts } from "@holdfast/protocol";
import { on, type Handler } from "../../authority/index.ts";
import type { CertificateInfo, Certificates } from "../../tls/index.ts";
import type { z } from "zod";
import type { Readiness } from "./readiness.ts";

type Needs = {
  readonly certificates: Certificates;
  readonly readiness: Pick<Readiness, "check">;
  readonly metrics: () => string;
  readonly about: (org: Id<"org">, reader: "a member" | "whoever runs it") => Promise<z.input<typeof platformFacts>>;
  /** Made once, at the first need: it never changes, and making it takes a while. */
  readonly openapi: () => Record<string, unknown>;
  readonly now: () => Instant;
  /** Where to report a vulnerability: a URI of whoever runs this platform. */
  readonly contact: string;
};

/** What the platform tells about itself, most of it to anybody. Nothing here names an organisation. */
export function platformRoutes({ certificates, readiness, metrics, about, openapi, now, contact }: Needs): Handler[] {
  let description: Record<string, unknown> | undefined;
  return [
    on(routes.healthz, async () => ({ ok: true })),
    on(routes.readyz, async () => {
      await readiness.check();
      return { ready: true };
    }),
    on(routes.metrics, async () => metrics()),
    // Only administrators of the instance make organisations.
    on(routes.readPlatform, ({ caller }) =>
      about(caller.org, caller.mayAnywhere("org.create") ? "whoever runs it" : "a member"),
    ),
    on(routes.openapi, async () => (description ??= openapi())),
    on(routes.securityTxt, async () => securityTxt(contact, now())),
    on(routes.certificates, async () => ({ certificates: certificates.list().map(certificateReply) })),
    on(routes.rootsBundle, async () => {
      const { version, signed, signatures } = certificates.staging.bundle;
      return { version, signed: Buffer.from(signed).toString("base64"), signatures: [...signatures] };
    }),
    on(routes.certificateFile, async ({ params }) => {
      const found = certificates.list().find(({ file }) => file === params["file"]);
      if (!found) throw new Refusal("route.unknown");
      return found.pem;
    }),
  ];
}

const certificateReply = (certificate: CertificateInfo) => ({
  name: certificate.name,
  purpose: certificate.purpose,
  state: certificate.state,
  sha256: certificate.sha256,
  publicKeyPin: certificate.publicKeyPin,
  notBefore: rfc3339(certificate.notBefore),
  notAfter: rfc3339(certificate.notAfter),
  pem: `/security/certificates/${certificate.file}`,
});

const year = 365 * 24 * 3_600_000;

/** RFC 9116. */
const securityTxt = (contact: string, now: Instant): string =>
  [`Contact: ${contact}`, `Expires: ${rfc3339((now + year) as Instant)}`, "Preferred-Languages: en", ""].join("\n");
