import { Refusal, type CredentialId, type Id } from "@holdfast/kernel";
import type { Door } from "@holdfast/protocol";
import {
  askToReadCredentials,
  authorityIn,
  levelOf,
  readDoor,
  refusedBy,
  saidBy,
  widens,
  type Permit,
  type Rulings,
  type Spaces,
} from "../authority/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import { setDoor, type Device } from "./device.ts";
import type { Directories } from "./directories.ts";
import { devicesIn, placementOf, productsIn } from "./postgres.ts";
import { schemaOf, withDoor, type Product } from "./product.ts";
import { noteDoor } from "./rulings.ts";
import { refuseIfChanged, type Versions } from "./version.ts";

type Needs = { storage: Storage; spaces: Spaces; rulings: Rulings; directories: Directories };

type DoorPermit = Permit<"product.read"> | Permit<"product.setDoor"> | Permit<"device.read"> | Permit<"device.setDoor">;

export type DoorClause = ReturnType<typeof saidBy>[number];

/** A door as it is shown: what it says itself, and every demand in words. */
export type Shown = {
  readonly door: Door;
  readonly clauses: readonly DoorClause[];
  readonly version: number;
  /** Of a device whose product has one. */
  readonly inherited?: { readonly product: Id<"product">; readonly door: Door } | undefined;
};

/** The doors of products and devices. A device's narrows its product's; what its product's says changes beneath it, and both hold. */
export class Doors {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async ofProduct(permit: Permit<"product.read">): Promise<Shown> {
    const product = await this.#needs.storage.read(permit, (unit) => productsIn(unit).find(permit.on));
    if (!product) throw refusedBy(permit, "product.read", permit.on, new Refusal("product.unknown"));
    return shownOf(permit, [product], product.version);
  }

  /** @throws Refusal `request.malformed`, and where it names people or credentials that there are not */
  async setOfProduct(permit: Permit<"product.setDoor">, asked: Door | undefined, versions?: Versions): Promise<Shown> {
    const { storage, spaces, rulings } = this.#needs;
    const door = asked && emptied(readDoor(asked));
    return storage.change(permit, async (unit) => {
      const before = await productsIn(unit).take(permit.on);
      if (!before) throw refusedBy(permit, "product.setDoor", permit.on, new Refusal("product.unknown"));
      refuseIfChanged(before, versions);
      await this.#known(unit, door);
      const product = withDoor(before, door);
      await productsIn(unit).save(product);
      await noteDoor(rulings, unit, product);
      unit.audit({ what: "product.doorSet", about: product.id, facts: { door: door ?? null } });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.setProduct(product.id, schemaOf(product))));
      return shownOf(permit, [product], product.version);
    });
  }

  async ofDevice(permit: Permit<"device.read">): Promise<Shown> {
    return this.#needs.storage.read(permit, async (unit) => {
      const device = await devicesIn(unit).find(permit.on);
      if (!device) throw refusedBy(permit, "device.read", permit.on, new Refusal("device.unknown"));
      return shownOfDevice(permit, device, await productOf(unit, device));
    });
  }

  /** @throws Refusal `door.widens`, which names the fields; as of a product's; `device.retired` */
  async setOfDevice(permit: Permit<"device.setDoor">, asked: Door | undefined, versions?: Versions): Promise<Shown> {
    const { storage, spaces, rulings, directories } = this.#needs;
    const door = asked && emptied(readDoor(asked));
    return storage.change(permit, async (unit) => {
      const before = await devicesIn(unit).take(permit.on);
      if (!before) throw refusedBy(permit, "device.setDoor", permit.on, new Refusal("device.unknown"));
      refuseIfChanged(before, versions);
      const product = await productOf(unit, before);
      const known = await this.#known(unit, door);
      const faults = product?.door && door ? widens(product.door, door, known) : [];
      if (faults.length > 0) throw new Refusal("door.widens", { faults });
      const device = setDoor(before, door);
      await devicesIn(unit).save(device);
      await noteDoor(rulings, unit, device);
      unit.audit({ what: "device.doorSet", about: device.id, facts: { door: door ?? null } });
      unit.afterCommit(() =>
        spaces.apply(unit.scope.org, (space) => {
          directories.put(space, device);
          space.place(device.id, placementOf(device));
        }),
      );
      return shownOfDevice(permit, device, product);
    });
  }

  /** The credentials that a door names. @throws Refusal `request.malformed` where there is no such credential or person */
  async #known(unit: Unit, door: Door | undefined) {
    const named = door ? namedBy(door) : { credentials: [], people: [] };
    const rows = authorityIn(unit);
    const found = new Map(
      (await rows.credentialsOf(named.credentials.map(({ id }) => id))).map((one) => [one.id, one]),
    );
    const members = named.people.length > 0 ? await rows.members() : new Map();
    const faults = [
      ...named.credentials
        .filter(({ id }) => !found.has(id))
        .map(({ path, id }) => ({ path, message: `${id} is not a credential of this organisation` })),
      ...named.people
        .filter(({ id }) => !members.has(id))
        .map(({ path, id }) => ({ path, message: `${id} is not a member of this organisation` })),
    ];
    if (faults.length > 0) throw new Refusal("request.malformed", { faults });
    return (id: CredentialId) => found.get(id);
  }
}

const emptied = (door: Door): Door | undefined => (Object.keys(door).length > 0 ? door : undefined);

function namedBy({ allow, deny, readable = [] }: Door) {
  const sides = [
    ["allow", allow],
    ["deny", deny],
    ...readable.map(({ by }, at) => [`readable.${at}.by`, by] as const),
  ] as const;
  return {
    credentials: sides.flatMap(([path, side]) =>
      (side?.credentials ?? []).map((id) => ({ path: `${path}.credentials`, id })),
    ),
    people: sides.flatMap(([path, side]) => (side?.people ?? []).map((id) => ({ path: `${path}.people`, id }))),
  };
}

async function productOf(unit: Unit, { product }: Device): Promise<Product | undefined> {
  return product && productsIn(unit).find(product);
}

const shownOfDevice = (permit: DoorPermit, device: Device, product: Product | undefined): Shown => ({
  ...shownOf(permit, product ? [product, device] : [device], device.version),
  door: device.door ?? {},
  ...(product?.door && { inherited: { product: product.id, door: product.door } }),
});

/** From the outermost on. */
function shownOf(permit: DoorPermit, of: readonly Pick<Product | Device, "id" | "door">[], version: number): Shown {
  if (of.some(({ door }) => door && namedBy(door).credentials.length > 0)) askToReadCredentials(permit, "The door");
  const clauses = of.flatMap(({ id, door }) => {
    const level = levelOf(id, door);
    return level ? saidBy(level) : [];
  });
  return { door: of.at(-1)?.door ?? {}, clauses, version };
}
