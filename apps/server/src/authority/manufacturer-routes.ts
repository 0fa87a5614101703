import { parseId, rfc3339, type Instant } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { readConditions } from "./conditions.ts";
import type { KnownManufacturer, Manufacturers } from "./manufacturers.ts";
import { on, type Handler } from "./on.ts";

export const manufacturerRoutes = (manufacturers: Manufacturers): Handler[] => [
  on(routes.askManufacturer, async ({ permit, body }) => {
    const { expiresAt, ...asked } = await manufacturers.ask(permit, body.certificate);
    return { ...asked, expiresAt: rfc3339(expiresAt) };
  }),
  on(routes.createManufacturer, async ({ permit, body }) => {
    const { signature, expiresIn, conditions, most, ...rest } = body;
    const { id, expiresAt } = await manufacturers.add(permit, {
      ...rest,
      most,
      signature: Uint8Array.fromBase64(signature),
      lifetime: expiresIn,
      conditions: readConditions(conditions),
    });
    return { id, ...(expiresAt !== undefined && { expiresAt: rfc3339(expiresAt) }) };
  }),
  on(routes.listManufacturers, async ({ permit, query }) => ({
    items: (await manufacturers.list(permit, query.product)).map(manufacturerReply),
  })),
];

function manufacturerReply({ credential, standing, product, x509, enrolled }: KnownManufacturer) {
  const { id, name, application, enrols, createdAt } = credential;
  if (!application) throw new Error("a manufacturer's devices enrol into an application");
  return {
    id: parseId("key", id),
    name,
    state: standing,
    application,
    product,
    subject: x509.subject.split("\n").toReversed().join(", "),
    sha256: x509.fingerprint256,
    notAfter: rfc3339(x509.validToDate.getTime() as Instant), // X.509 knows the years 0 to 9999 alone
    enrolled,
    ...(enrols?.most !== undefined && { most: enrols.most }),
    createdAt: rfc3339(createdAt),
  };
}
