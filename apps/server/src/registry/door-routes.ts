import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { Doors, Shown } from "./doors.ts";

export const doorRoutes = (doors: Doors): Handler[] => [
  on(routes.readProductDoor, async ({ permit }) => doorReply(await doors.ofProduct(permit))),
  on(routes.setProductDoor, async ({ permit, body, versions }) =>
    doorReply(await doors.setOfProduct(permit, body, versions)),
  ),
  on(routes.removeProductDoor, async ({ permit, versions }) => {
    await doors.setOfProduct(permit, undefined, versions);
    return {};
  }),
  on(routes.readDeviceDoor, async ({ permit }) => doorReply(await doors.ofDevice(permit))),
  on(routes.setDeviceDoor, async ({ permit, body, versions }) =>
    doorReply(await doors.setOfDevice(permit, body, versions)),
  ),
  on(routes.removeDeviceDoor, async ({ permit, versions }) => {
    await doors.setOfDevice(permit, undefined, versions);
    return {};
  }),
];

const doorReply = ({ door, clauses, version, inherited }: Shown) => ({
  door,
  clauses: [...clauses],
  version,
  ...(inherited && { inherited }),
});
