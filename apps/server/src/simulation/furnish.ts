import { unsaid, type Authentication, type Revocation } from "../authority/index.ts";
import type { Catalogue, Registry } from "../registry/index.ts";
import { applications, fleet, products } from "./site.ts";

type Needs = {
  readonly authentication: Authentication;
  readonly revocation: Revocation;
  readonly catalogue: Catalogue;
  readonly registry: Registry;
};

/** Makes what the site consists of, in the name of whoever owns the organisation, by the verbs that everybody uses. Her token is over then. */
export async function furnish(
  { authentication, revocation, catalogue, registry }: Needs,
  token: string,
): Promise<void> {
  const owner = await authentication.byText(token, unsaid);
  const { org } = owner;
  const applicationOf = new Map<string, Awaited<ReturnType<Catalogue["createApplication"]>>>();
  for (const name of applications) {
    applicationOf.set(name, await catalogue.createApplication(owner.permit("application.create", org), name));
  }
  const productOf = new Map<string, Awaited<ReturnType<Catalogue["createProduct"]>>>();
  for (const [name, attributes] of Object.entries(products)) {
    const wanted = { name, attributes, strict: false };
    productOf.set(name, await catalogue.createProduct(owner.permit("product.create", org), wanted));
  }
  for (const { name, alias, tags, application, product } of fleet) {
    const into = applicationOf.get(application);
    if (!into) throw new Error("the site names its own applications only");
    const wanted = { name, alias, tags, product: productOf.get(product)?.id };
    // Its first key is nobody's: each start of the fleet makes others.
    await registry.makings.create(owner.permit("device.create", into.id), wanted);
  }
  await revocation.credential(owner.permit("credential.revoke", org), owner.credential.id);
}
