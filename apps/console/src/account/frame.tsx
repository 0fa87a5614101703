import { AppShell, Group, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { Suspense } from "react";
import { Page, paths, Slow, Tabs, TimeZoneProvider } from "../kit/index.ts";
import { sessionQuery } from "../session/index.ts";
import { Connection, TopBarActions, useSessionEnd } from "../shell/index.ts";
import { words } from "../words/index.ts";

const own = words.account;
const tabs = [{ to: paths.account, label: own.tabs.signingIn }] as const;

/** A person's own place: her account is of no organisation, and stays hers when she loses all of them. */
export function AccountFrame() {
  const { data } = useSuspenseQuery(sessionQuery);
  useSessionEnd();
  return (
    <TimeZoneProvider>
      <a className="hf-skip" href="#content">
        {words.skipToContent}
      </a>
      <AppShell header={{ height: 52 }} padding={0} transitionDuration={0}>
        <AppShell.Header bg="var(--hf-raised)">
          <Group h="100%" px="sm" justify="space-between" wrap="nowrap" gap="xs">
            <Group gap="sm" wrap="nowrap" miw={0}>
              <Text fw={700} visibleFrom="sm">
                {words.product}
              </Text>
              <Link to={paths.start}>{own.toOrganisations(data.orgs.length)}</Link>
            </Group>
            <TopBarActions />
          </Group>
        </AppShell.Header>
        <AppShell.Main id="content" tabIndex={-1}>
          <Connection />
          <Page title={own.title} lead={data.person.email}>
            <Tabs label={own.pages} tabs={tabs} params={{}} />
            <Suspense fallback={<Slow />}>
              <Outlet />
            </Suspense>
          </Page>
        </AppShell.Main>
      </AppShell>
    </TimeZoneProvider>
  );
}
