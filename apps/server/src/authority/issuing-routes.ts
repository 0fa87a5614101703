import { parseId, rfc3339 } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { readConditions } from "./conditions.ts";
import type { Issuer } from "./issuer.ts";
import type { Certified, Issuing } from "./issuing.ts";
import { on, type Handler } from "./on.ts";
import type { RevocationLists } from "./revocation-list.ts";
import { credentialId } from "./reading.ts";

export const issuingRoutes = (issuing: Issuing, lists: RevocationLists): Handler[] => [
  on(routes.revocationList, async ({ params }) => lists.of(params["file"] ?? "")),
  on(routes.issueCertificate, async ({ permit, body: { csr, validFor, name, expiresIn, conditions } }) => {
    const wanted = { name: name ?? "", lifetime: expiresIn, conditions: readConditions(conditions) };
    return certifiedReply(await issuing.issue(permit, { csr, validFor, ...wanted }));
  }),
  on(routes.renewCertificate, async ({ permit, body }) => certifiedReply(await issuing.renew(permit, body))),
  on(routes.listCertificates, async ({ permit, params }) => {
    const items = await issuing.issuedFor(permit, credentialId(params["credential"]));
    return { items: items.map(issuedReply) };
  }),
  on(routes.listCertificateAuthorities, async ({ permit }) => ({
    items: issuing.authorities(permit).map(authorityReply),
  })),
  on(routes.endCertificateAuthority, async ({ permit, params }) => {
    await issuing.end(permit, parseId("certificateAuthority", params["certificateAuthority"] ?? ""));
    return {};
  }),
];

const issuedReply = ({ credential, issued, chain }: Certified) => ({
  id: parseId("key", credential.id),
  certificateAuthority: issued.by,
  serial: issued.serial,
  certificate: issued.certificate,
  chain,
  notBefore: rfc3339(issued.notBefore),
  notAfter: rfc3339(issued.notAfter),
});

const certifiedReply = (certified: Certified) => {
  const { expiresAt, former } = certified.credential;
  return {
    ...issuedReply(certified),
    ...(expiresAt !== undefined && { expiresAt: rfc3339(expiresAt) }),
    ...(former && { formerEndsAt: rfc3339(former.endsAt) }),
  };
};

const authorityReply = ({ id, name, certificate, x509, notBefore, notAfter }: Issuer) => ({
  id,
  name,
  certificate,
  sha256: x509.fingerprint256,
  notBefore: rfc3339(notBefore),
  notAfter: rfc3339(notAfter),
});
