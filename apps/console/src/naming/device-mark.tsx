import type { Reply } from "@holdfast/client";
import type { routes } from "@holdfast/protocol";
import { StateMark } from "../kit/index.ts";
import { useNamedDevice } from "./use-named-device.ts";

const every = 10_000; // milliseconds

type Known = Pick<Reply<typeof routes.readDevice>, "state" | "presence">;

/** What a device is, before where it is: a suspended one is not just offline. */
export const markOf = ({ state, presence }: Known) =>
  state !== "active" ? state : presence.state === "never" ? "offline" : presence.state;

/** How a device is, of which the page has only the id. */
export function DeviceMark({ id }: { readonly id: string }) {
  const device = useNamedDevice(id, every);
  return device && <StateMark state={markOf(device)} />;
}
