import type { ReactNode } from "react";
import { Page, paths, Tabs } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.access;
const tabs = [
  { to: paths.access, label: own.tabs.credentials },
  { to: paths.people, label: own.tabs.people },
  { to: paths.lists, label: own.tabs.lists },
  { to: paths.roles, label: own.tabs.roles },
  { to: paths.customers, label: own.tabs.customers },
] as const;

/** What stands above both lists of who and what may come in. */
export function AccessFrame({
  lead,
  actions,
  children,
}: {
  readonly lead: string;
  readonly actions: ReactNode;
  readonly children: ReactNode;
}) {
  const org = useOrg();
  return (
    <Page title={words.places.access} lead={lead} actions={actions}>
      <Tabs label={own.pages} tabs={tabs} params={{ org: org.id }} />
      {children}
    </Page>
  );
}
