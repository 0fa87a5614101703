import { paths, Tabs } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.groups;
const tabs = [
  { to: paths.devices, label: own.tabs.devices },
  { to: paths.groups, label: own.tabs.groups },
  { to: paths.deviceRoots, label: own.tabs.roots },
] as const;

/** Devices one by one, and together. */
export function DevicesTabs() {
  return <Tabs label={own.pages} tabs={tabs} params={{ org: useOrg().id }} />;
}
