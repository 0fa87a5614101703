import { isId, type Id } from "@holdfast/kernel";
import type { Door } from "@holdfast/protocol";
import { forgetListsFor } from "../application-users/index.ts";
import { kindOf, narrowestDoor, type Kind, type Rulings, type Spaces } from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";
import type { Application, SignUp } from "./application.ts";
import { bind, setDoor, tie, type Device } from "./device.ts";
import { applicationsIn, devicesIn, productsIn } from "./postgres.ts";
import { schemaOf, withDoor, type Product } from "./product.ts";

// What is decided here about who comes in, and has to outlast an older backup of the database. Where a device is stands in `Placements`.

export const noteDoor = (rulings: Rulings, unit: Unit, { id, door = {} }: Product | Device): Promise<void> =>
  rulings.note(unit, "door", id, door);

export const noteUser = (rulings: Rulings, unit: Unit, { id, user }: Device): Promise<void> =>
  rulings.note(unit, "user", id, { user: user ?? null });

export const noteGateway = (rulings: Rulings, unit: Unit, { id, gateway }: Device): Promise<void> =>
  rulings.note(unit, "gateway", id, { gateway: gateway ?? null });

export const noteSignUp = (rulings: Rulings, unit: Unit, { id, signUp = "closed" }: Application): Promise<void> =>
  rulings.note(unit, "signUp", id, signUp);

/** What of a device that was changed tells memory. */
type Save = (unit: Unit, device: Device) => Promise<void>;

export const registryRulings = (spaces: Spaces, rulings: Rulings, save: Save): readonly Kind[] => [
  kindOf<Door>({
    kind: "door",
    async find(unit, about) {
      const thing = isId("product", about) ? await productsIn(unit).find(about) : await deviceOf(unit, about);
      return thing && (thing.door ?? {});
    },
    narrowest: narrowestDoor,
    async save(unit, about, door) {
      if (!isId("product", about)) {
        const device = await deviceOf(unit, about);
        if (device) await save(unit, setDoor(device, door));
        return;
      }
      const before = await productsIn(unit).take(about);
      if (!before) return;
      const product = withDoor(before, door);
      await productsIn(unit).save(product);
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.setProduct(product.id, schemaOf(product))));
    },
  }),
  // Whose it is now is not known to whoever has the older users: it is nobody's until somebody binds it.
  kindOf<{ readonly user: Id<"user"> | null }>({
    kind: "user",
    async find(unit, about) {
      const device = await deviceOf(unit, about);
      return device && { user: device.user ?? null };
    },
    narrowest: (found, said) => (found.user === said.user ? found : { user: null }),
    async save(unit, about) {
      const device = await deviceOf(unit, about);
      if (!device) return;
      const unbound = bind(device, undefined);
      await save(unit, unbound);
      await forgetListsFor({ spaces, rulings }, unit, device, unbound);
    },
  }),
  // Nobody speaks for it until somebody says so again.
  kindOf<{ readonly gateway: Id<"device"> | null }>({
    kind: "gateway",
    async find(unit, about) {
      const device = await deviceOf(unit, about);
      return device && { gateway: device.gateway ?? null };
    },
    narrowest: (found, said) => (found.gateway === said.gateway ? found : { gateway: null }),
    async save(unit, about) {
      const device = await deviceOf(unit, about);
      if (device) await save(unit, tie(device, undefined));
    },
  }),
  kindOf<SignUp>({
    kind: "signUp",
    async find(unit, about) {
      const application = isId("application", about) ? await applicationsIn(unit).find(about) : undefined;
      return application && (application.signUp ?? "closed");
    },
    narrowest: (found, said) => (narrowFirst.indexOf(said) < narrowFirst.indexOf(found) ? said : found),
    async save(unit, about, signUp) {
      const before = isId("application", about) ? await applicationsIn(unit).take(about) : undefined;
      if (before) await applicationsIn(unit).save({ ...before, signUp, version: before.version + 1 });
    },
  }),
];

const narrowFirst: readonly SignUp[] = ["closed", "confirmed", "open"];

async function deviceOf(unit: Unit, about: string): Promise<Device | undefined> {
  const device = isId("device", about) ? await devicesIn(unit).take(about) : undefined;
  return device?.state === "retired" ? undefined : device;
}
