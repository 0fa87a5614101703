import { newId, Refusal, uuidOf, type Clock, type Random } from "@holdfast/kernel";
import {
  parties,
  refusedBy,
  type Permit,
  type Reach,
  type Revocation,
  type Rulings,
  type Spaces,
} from "../authority/index.ts";
import { forgetListsOf, usersIn } from "../application-users/index.ts";
import { pageOf, type Page, type Storage } from "../storage/index.ts";
import type { Application, SignUp } from "./application.ts";
import { applicationsIn, devicesIn, productsIn } from "./postgres.ts";
import { changeProduct, schemaChanges, schemaOf, type Product, type ProductChange } from "./product.ts";
import { noteSignUp } from "./rulings.ts";
import { refuseIfChanged, type Versions } from "./version.ts";

type Needs = {
  storage: Storage;
  spaces: Spaces;
  revocation: Revocation;
  rulings: Rulings;
  clock: Clock;
  random: Random;
};
type PageAsked = { limit: number; cursor?: string | undefined };

const order = {
  at: (thing: Application | Product) => thing.createdAt,
  id: (thing: Application | Product) => uuidOf(thing.id),
};

/** The applications and products that devices belong to. */
export class Catalogue {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async createApplication(permit: Permit<"application.create">, name: string): Promise<Application> {
    const { storage, spaces, clock, random } = this.#needs;
    storage.admit();
    return storage.change(permit, async (unit) => {
      const application: Application = { id: newId("application", random), name, createdAt: clock.now(), version: 1 };
      await applicationsIn(unit).save(application);
      unit.audit({ what: "application.created", about: application.id, facts: { name } });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.addApplication(application.id)));
      return application;
    });
  }

  async application(permit: Permit<"application.read">): Promise<Application> {
    const application = await this.#needs.storage.read(permit, (unit) => applicationsIn(unit).find(permit.on));
    if (!application) throw refusedBy(permit, "application.read", permit.on, new Refusal("application.unknown"));
    return application;
  }

  async applications(reach: Reach<"application.read">, asked: PageAsked): Promise<Page<Application>> {
    const { storage } = this.#needs;
    return pageOf(
      asked,
      (after, most) => storage.read(reach, (unit) => applicationsIn(unit).list(reach, after, most)),
      order,
    );
  }

  async updateApplication(
    permit: Permit<"application.update">,
    wanted: { name?: string | undefined; signUp?: SignUp | undefined },
    versions?: Versions,
  ): Promise<Application> {
    return this.#needs.storage.change(permit, async (unit) => {
      const before = await applicationsIn(unit).take(permit.on);
      if (!before) throw refusedBy(permit, "application.update", permit.on, new Refusal("application.unknown"));
      refuseIfChanged(before, versions);
      const { name = before.name, signUp = before.signUp } = wanted;
      const application = { ...before, name, signUp, version: before.version + 1 };
      await applicationsIn(unit).save(application);
      if (wanted.signUp) await noteSignUp(this.#needs.rulings, unit, application);
      unit.audit({ what: "application.updated", about: application.id, facts: { name, signUp } });
      return application;
    });
  }

  /** The row stays, because retired devices still point at it; what it gave out is over and nobody finds it any more. */
  async deleteApplication(permit: Permit<"application.delete">, versions?: Versions): Promise<void> {
    const { storage, spaces, revocation } = this.#needs;
    await storage.change(permit, async (unit) => {
      const before = await applicationsIn(unit).take(permit.on);
      if (!before) throw refusedBy(permit, "application.delete", permit.on, new Refusal("application.unknown"));
      refuseIfChanged(before, versions);
      if (await devicesIn(unit).anyIn({ application: permit.on })) throw new Refusal("application.inUse");
      await applicationsIn(unit).end(permit.on);
      await forgetListsOf(this.#needs, unit, await usersIn(unit).removeAllIn(permit.on));
      await revocation.in(unit, permit.on, parties);
      unit.audit({ what: "application.deleted", about: permit.on });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.removeApplication(permit.on)));
    });
  }

  async createProduct(
    permit: Permit<"product.create">,
    wanted: Pick<Product, "name" | "attributes" | "strict" | "onViolation" | "times" | "reportingInterval">,
  ): Promise<Product> {
    const { storage, spaces, clock, random } = this.#needs;
    storage.admit();
    return storage.change(permit, async (unit) => {
      const id = newId("product", random);
      const made = { former: {}, createdAt: clock.now(), schemaVersion: 1, version: 1 };
      const product: Product = { id, ...wanted, ...made };
      await productsIn(unit).save(product);
      unit.audit({ what: "product.created", about: product.id, facts: { name: product.name } });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.setProduct(product.id, schemaOf(product))));
      return product;
    });
  }

  async product(permit: Permit<"product.read">): Promise<Product> {
    const product = await this.#needs.storage.read(permit, (unit) => productsIn(unit).find(permit.on));
    if (!product) throw refusedBy(permit, "product.read", permit.on, new Refusal("product.unknown"));
    return product;
  }

  async products(reach: Reach<"product.read">, asked: PageAsked): Promise<Page<Product>> {
    const { storage } = this.#needs;
    return pageOf(
      asked,
      (after, most) => storage.read(reach, (unit) => productsIn(unit).list(reach, after, most)),
      order,
    );
  }

  async updateProduct(permit: Permit<"product.update">, wanted: ProductChange, versions?: Versions): Promise<Product> {
    const { storage, spaces } = this.#needs;
    return storage.change(permit, async (unit) => {
      const before = await productsIn(unit).take(permit.on);
      if (!before) throw refusedBy(permit, "product.update", permit.on, new Refusal("product.unknown"));
      refuseIfChanged(before, versions);
      const product = changeProduct(before, wanted);
      await productsIn(unit).save(product);
      const schema = schemaChanges(before, product);
      const facts = { fields: Object.keys(wanted), ...(schema && { schema }) };
      unit.audit({ what: "product.updated", about: product.id, facts });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.setProduct(product.id, schemaOf(product))));
      return product;
    });
  }

  async deleteProduct(permit: Permit<"product.delete">, versions?: Versions): Promise<void> {
    const { storage, spaces, rulings } = this.#needs;
    await storage.change(permit, async (unit) => {
      const before = await productsIn(unit).take(permit.on);
      if (!before) throw refusedBy(permit, "product.delete", permit.on, new Refusal("product.unknown"));
      refuseIfChanged(before, versions);
      if (await devicesIn(unit).anyIn({ product: permit.on })) throw new Refusal("product.inUse");
      await productsIn(unit).end(permit.on);
      await rulings.forget(unit, permit.on);
      unit.audit({ what: "product.deleted", about: permit.on });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.removeProduct(permit.on)));
    });
  }
}
