import { AppShell, Burger, Group, NativeSelect, NavLink, type NavLinkProps, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useSuspenseQuery } from "@tanstack/react-query";
import { createLink, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { Suspense, useEffect, useRef, type KeyboardEvent } from "react";
import { paths, places, Slow, TimeZoneProvider } from "../kit/index.ts";
import { sessionQuery, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { AlertCount } from "./alert-count.tsx";
import { Barred, Coming } from "./barred.tsx";
import { Connection } from "./connection.tsx";
import { SearchButton } from "./search-button.tsx";
import { Simulated } from "./simulated.tsx";
import { Stopped } from "./stopped.tsx";
import { isLookedAt, placesToLookAt, StillUnconfirmed, Unconfirmed } from "./unconfirmed.tsx";
import { TopBarActions } from "./top-bar.tsx";
import { useSessionEnd } from "./use-session-end.ts";

const PlaceLink = createLink((given: NavLinkProps & { readonly href?: string }) => (
  <NavLink component="a" {...given} />
));

/** The frame of every place of an organisation: where one can go on the left, who and where one is above. */
export function Shell() {
  const [isOpen, menu] = useDisclosure(false);
  const org = useOrg();
  const location = useLocation();
  // What a restored organisation is stopped by counts before that it is being deleted, as the platform has it.
  const unconfirmed = org.isSuspended ? undefined : org.unconfirmedSince;
  const isLooking = unconfirmed !== undefined && isLookedAt(location.pathname, org.id);
  const isStopped = org.isSuspended === true || (org.endsAt !== undefined && unconfirmed === undefined);
  const isShut = org.refused !== undefined || isStopped;
  useEffect(() => menu.close(), [location.pathname]);
  const burger = useRef<HTMLButtonElement>(null);
  const closeByKey = ({ key }: KeyboardEvent) => {
    if (key !== "Escape" || !isOpen) return;
    menu.close();
    burger.current?.focus();
  };
  useSessionEnd(org.refused?.code.startsWith("credential."));
  return (
    <TimeZoneProvider>
      <a className="hf-skip" href="#content">
        {words.skipToContent}
      </a>
      <AppShell
        header={{ height: 52 }}
        {...(!isShut && { navbar: { width: 208, breakpoint: "sm", collapsed: { mobile: !isOpen } } })}
        padding={0}
        transitionDuration={0}
      >
        <AppShell.Header bg="var(--hf-raised)">
          <Group h="100%" px="sm" justify="space-between" wrap="nowrap" gap="xs">
            <Group gap="xs" wrap="nowrap" miw={0}>
              {!isShut && (
                <Burger
                  ref={burger}
                  opened={isOpen}
                  onClick={menu.toggle}
                  hiddenFrom="sm"
                  size="sm"
                  aria-expanded={isOpen}
                  aria-label={isOpen ? words.shell.closeMenu : words.shell.openMenu}
                />
              )}
              <Text fw={700} visibleFrom="sm">
                {words.product}
              </Text>
              <OrgSwitch />
            </Group>
            <TopBarActions>{!isShut && unconfirmed === undefined && <SearchButton />}</TopBarActions>
          </Group>
        </AppShell.Header>
        {!isShut && (
          <AppShell.Navbar
            className="hf-rail"
            data-closed={!isOpen || undefined}
            onKeyDown={closeByKey}
            p="xs"
            bg="var(--hf-raised)"
            aria-label={words.shell.navigation}
          >
            {(unconfirmed === undefined ? places : placesToLookAt).map(({ to, label, exact }) => (
              <PlaceLink
                key={to}
                to={to}
                params={{ org: org.id }}
                activeOptions={{ exact }}
                label={label}
                {...(to === paths.alerts && { rightSection: <AlertCount /> })}
                active={isHere(location.pathname, to.replace("$org", org.id), exact)}
                color="teal"
                variant="light"
              />
            ))}
          </AppShell.Navbar>
        )}
        <AppShell.Main id="content" tabIndex={-1}>
          <Connection />
          {org.isSimulated && <Simulated org={org.id} />}
          {org.refused && <Barred org={org} />}
          {!org.refused && isStopped && <Stopped org={org} />}
          {!isShut && (
            <Suspense fallback={<Slow />}>
              {org.lacksFrom !== undefined && <Coming org={org} from={org.lacksFrom} />}
              {isLooking && <StillUnconfirmed org={org} since={unconfirmed} />}
              {unconfirmed === undefined || isLooking ? <Outlet /> : <Unconfirmed org={org} since={unconfirmed} />}
            </Suspense>
          )}
        </AppShell.Main>
      </AppShell>
    </TimeZoneProvider>
  );
}

const isHere = (path: string, place: string, exact: boolean): boolean =>
  path === place || path === `${place}/` || (!exact && path.startsWith(`${place}/`));

function OrgSwitch() {
  const { data } = useSuspenseQuery(sessionQuery);
  const org = useOrg();
  const navigate = useNavigate();
  if (data.orgs.length === 1)
    return (
      <Text fz="sm" truncate>
        {org.name}
      </Text>
    );
  return (
    <NativeSelect
      size="xs"
      aria-label={words.shell.organisation}
      value={org.id}
      data={data.orgs.map(({ id, name, refused }) => ({
        value: id,
        label: refused ? words.shell.refuses(name) : name,
      }))}
      onChange={(event) => void navigate({ to: paths.overview, params: { org: event.currentTarget.value } })}
    />
  );
}
