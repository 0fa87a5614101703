import { paths, Tabs } from "../kit/index.ts";
import { OwnFrame } from "../shell/index.ts";
import { words } from "../words/index.ts";

const own = words.instance;
const tabs = [
  { to: paths.instance, label: own.tabs.organisations },
  { to: paths.instancePeople, label: own.tabs.people },
  { to: paths.instanceRoots, label: own.tabs.roots },
] as const;

/** The place of whoever administers the instance. */
export const InstanceFrame = () => (
  <OwnFrame title={own.title} lead={own.what} tabs={<Tabs label={own.pages} tabs={tabs} params={{}} />} />
);
