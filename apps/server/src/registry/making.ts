import { Refusal, type Id } from "@holdfast/kernel";
import { askAlso, refusedBy, type Permit } from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";
import type { Device } from "./device.ts";
import { applicationsIn, placementOf, productsIn } from "./postgres.ts";
import type { Product } from "./product.ts";

/** Leave to make a device in an application, with a key that we make or one that it brings. */
export type Making = Permit<"device.create"> | Permit<"device.enrol">;

export const untagged = { tags: {} } as const;

/** By what the device was before: who may tag what has one tag already may not give that tag to another device. */
export const askToTag = (permit: Making | Permit<"device.update">, before: Device): void =>
  askAlso(permit, "device.tag", { id: before.id, placement: placementOf(before) });

/** An application that was there when leave was given may have ended meanwhile; its row stays, so no key would tell. */
export async function refuseEnded(unit: Unit, permit: Making): Promise<void> {
  if (await applicationsIn(unit).find(permit.on)) return;
  throw refusedBy(asMaking(permit), "device.create", permit.on, new Refusal("application.unknown"));
}

/** To say what was refused, for which both are the making of a device: no more is asked by it. */
export const asMaking = (permit: Making): Permit<"device.create"> => permit as Permit<"device.create">; // the same but for its name

/** Whoever names a product that is not there, or is another organisation's, leaves a trace like whoever names such a device. */
export async function productNamed<A extends "device.create" | "device.update">(
  unit: Unit,
  permit: Permit<A>,
  action: A,
  id: Id<"product"> | undefined,
): Promise<Product | undefined> {
  if (!id) return undefined;
  const product = await productsIn(unit).find(id);
  if (!product) throw refusedBy(permit, action, id, new Refusal("product.unknown"));
  return product;
}
