import type { ReactNode } from "react";
import { Page, paths, Tabs } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.usage;

const tabs = [
  { to: paths.usage, label: own.tabs.usage },
  { to: paths.sessions, label: own.tabs.sessions },
] as const;

/** What stands above what was used, and above who was connected. */
export function UsageFrame({ actions, children }: { readonly actions?: ReactNode; readonly children: ReactNode }) {
  const org = useOrg();
  return (
    <Page title={words.places.usage} lead={own.lead} actions={actions}>
      <Tabs label={own.pages} tabs={tabs} params={{ org: org.id }} />
      {children}
    </Page>
  );
}
