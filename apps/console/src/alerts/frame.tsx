import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import { Page, paths, Tabs } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.alerts;
const tabs = [
  { to: paths.alerts, label: own.tabs.alerts },
  { to: paths.alertRules, label: own.tabs.rules },
  { to: paths.webhooks, label: own.tabs.webhooks },
] as const;

/** What stands above alerts, the rules that raise them, and the webhooks that are told. Who may not see them is told so. */
export function AlertsFrame({
  lead,
  actions,
  children,
}: {
  readonly lead: string;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  const org = useOrg();
  const can = useCan();
  return (
    <Page title={words.places.alerts} lead={lead} actions={actions}>
      <Tabs label={own.pages} tabs={tabs} params={{ org: org.id }} />
      {can("alert.read") ? children : <Text fz="sm">{words.common.notAllowed("alert.read")}</Text>}
    </Page>
  );
}

/** Why she may not change who is told of what. */
export function useWhyNotManage(): string | undefined {
  return useCan()("alert.manage") ? undefined : words.common.notAllowed("alert.manage");
}
