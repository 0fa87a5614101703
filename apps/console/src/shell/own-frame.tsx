import { AppShell, Group, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { Suspense, type ReactNode } from "react";
import { Page, paths, Slow, TimeZoneProvider } from "../kit/index.ts";
import { sessionQuery } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Connection } from "./connection.tsx";
import { TopBarActions } from "./top-bar.tsx";
import { useSessionEnd } from "./use-session-end.ts";

/** The frame of a place that is of no organisation: a person's account, the instance. */
export function OwnFrame({
  title,
  lead,
  tabs,
}: {
  readonly title: string;
  readonly lead: string;
  readonly tabs: ReactNode;
}) {
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
              <Link to={paths.start}>{words.shell.toOrganisations(data.orgs.length)}</Link>
            </Group>
            <TopBarActions />
          </Group>
        </AppShell.Header>
        <AppShell.Main id="content" tabIndex={-1}>
          <Connection />
          <Page title={title} lead={lead}>
            {tabs}
            <Suspense fallback={<Slow />}>
              <Outlet />
            </Suspense>
          </Page>
        </AppShell.Main>
      </AppShell>
    </TimeZoneProvider>
  );
}
