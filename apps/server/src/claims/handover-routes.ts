import { rfc3339 } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { Handovers } from "./handovers.ts";

export const handoverRoutes = (handovers: Handovers): Handler[] => [
  on(routes.offerHandover, async ({ permit }) => {
    const { code, expiresAt } = await handovers.offer(permit);
    return { code, ...(expiresAt !== undefined && { expiresAt: rfc3339(expiresAt) }) };
  }),
  on(routes.readHandover, async ({ permit }) => {
    const handover = await handovers.read(permit);
    if (!handover) return { state: "none" as const };
    const { state } = handover;
    return { state, ...(state === "offered" && { expiresAt: rfc3339(handover.expiresAt) }) };
  }),
  on(routes.withdrawHandover, async ({ permit }) => {
    await handovers.withdraw(permit);
    return {};
  }),
  on(routes.takeHandover, async ({ permit, caller, body: { code, product } }) => {
    const address = caller.circumstances?.address ?? "";
    const { device, key } = await handovers.take(permit, { code, product, address });
    const { id, name, application } = device;
    return {
      device: id,
      name,
      application,
      ...(device.product && { product: device.product }),
      key: { id: key.id, ...(key.secret !== undefined && { secret: key.secret }) },
    };
  }),
];
