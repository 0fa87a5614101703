import { Group } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Page, paths } from "../kit/index.ts";
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
      <Group component="nav" gap="md" aria-label={own.pages} className="hf-tabs">
        {tabs.map(({ to, label }) => (
          <Link key={to} to={to} params={{ org: org.id }} activeOptions={{ exact: true, includeSearch: false }}>
            {label}
          </Link>
        ))}
      </Group>
      {children}
    </Page>
  );
}
