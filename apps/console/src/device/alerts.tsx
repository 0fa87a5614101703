import { Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { AlertList } from "../alerts/index.ts";
import { Empty, paths } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { DeviceFrame, useDevice } from "./frame.tsx";

const own = words.alerts;

/** The alerts of a device, those that are over too. */
export function DeviceAlerts() {
  const org = useOrg();
  const can = useCan();
  const device = useDevice();
  const next = (
    <Link to={paths.alertRules} params={{ org: org.id }}>
      {own.tabs.rules}
    </Link>
  );
  return (
    <DeviceFrame device={device}>
      {can("alert.read") ? (
        <AlertList device={device.id} empty={<Empty next={next}>{own.ofDevice}</Empty>} />
      ) : (
        <Text fz="sm">{words.common.notAllowed("alert.read")}</Text>
      )}
    </DeviceFrame>
  );
}
