import { pathTo, PlainLink } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { useNamedDevice } from "./use-named-device.ts";

/** A device by its name, until that is there by its id, and the way to its page. */
export function DeviceName({ id }: { readonly id: string }) {
  const org = useOrg();
  const device = useNamedDevice(id);
  return <PlainLink href={pathTo("device", { org: org.id, device: id })}>{device?.name ?? id}</PlainLink>;
}
