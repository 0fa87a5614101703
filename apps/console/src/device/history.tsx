import { Text } from "@mantine/core";
import { Entries } from "../entries/index.ts";
import { useCan } from "../session/index.ts";
import { words } from "../words/index.ts";
import { DeviceFrame, useDevice } from "./frame.tsx";

/** What was done to a device, by whom, and what it was refused. */
export function DeviceHistory() {
  const device = useDevice();
  const can = useCan();
  return (
    <DeviceFrame device={device}>
      {can("audit.read") ? (
        <Entries label={words.device.tabs.history} about={device.id} />
      ) : (
        <Text>{words.common.notAllowed("audit.read")}</Text>
      )}
    </DeviceFrame>
  );
}
