import {
  AppShell,
  Burger,
  Button,
  Group,
  NativeSelect,
  NavLink,
  type NavLinkProps,
  Text,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useSuspenseQuery } from "@tanstack/react-query";
import { createLink, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { Suspense, useEffect, useRef, type KeyboardEvent } from "react";
import { on, queryClient } from "../api/index.ts";
import { paths, places, Slow, TimeZoneProvider, useTimeZone } from "../kit/index.ts";
import { sessionQuery, useOrg, useSignOut } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Connection } from "./connection.tsx";
import { SearchButton } from "./search-button.tsx";
import { Simulated } from "./simulated.tsx";

const PlaceLink = createLink((given: NavLinkProps & { readonly href?: string }) => (
  <NavLink component="a" {...given} />
));

/** The frame of every place of an organisation: where one can go on the left, who and where one is above. */
export function Shell() {
  const [isOpen, menu] = useDisclosure(false);
  const org = useOrg();
  const location = useLocation();
  const navigate = useNavigate();
  useEffect(() => menu.close(), [location.pathname]);
  const burger = useRef<HTMLButtonElement>(null);
  const closeByKey = ({ key }: KeyboardEvent) => {
    if (key !== "Escape" || !isOpen) return;
    menu.close();
    burger.current?.focus();
  };
  useEffect(() => {
    let isLeaving = false;
    return on("session ended", () => {
      if (isLeaving) return; // several questions are under way, and each hears it
      isLeaving = true;
      const to = `${window.location.pathname}${window.location.search}`;
      void navigate({ to: paths.signIn, search: { to, ended: true } }).then(() => queryClient.clear());
    });
  }, [navigate]);
  return (
    <TimeZoneProvider>
      <a className="hf-skip" href="#content">
        {words.skipToContent}
      </a>
      <AppShell
        header={{ height: 52 }}
        navbar={{ width: 208, breakpoint: "sm", collapsed: { mobile: !isOpen } }}
        padding={0}
        transitionDuration={0}
      >
        <AppShell.Header bg="var(--hf-raised)">
          <Group h="100%" px="sm" justify="space-between" wrap="nowrap" gap="xs">
            <Group gap="xs" wrap="nowrap" miw={0}>
              <Burger
                ref={burger}
                opened={isOpen}
                onClick={menu.toggle}
                hiddenFrom="sm"
                size="sm"
                aria-expanded={isOpen}
                aria-label={isOpen ? words.shell.closeMenu : words.shell.openMenu}
              />
              <Text fw={700} visibleFrom="sm">
                {words.product}
              </Text>
              <OrgSwitch />
            </Group>
            <TopBarActions />
          </Group>
        </AppShell.Header>
        <AppShell.Navbar
          className="hf-rail"
          data-closed={!isOpen || undefined}
          onKeyDown={closeByKey}
          p="xs"
          bg="var(--hf-raised)"
          aria-label={words.shell.navigation}
        >
          {places.map(({ to, label, exact }) => (
            <PlaceLink
              key={to}
              to={to}
              params={{ org: org.id }}
              activeOptions={{ exact }}
              label={label}
              active={isHere(location.pathname, to.replace("$org", org.id), exact)}
              color="teal"
              variant="light"
            />
          ))}
        </AppShell.Navbar>
        <AppShell.Main id="content" tabIndex={-1}>
          <Connection />
          {org.isSimulated && <Simulated org={org.id} />}
          <Suspense fallback={<Slow />}>
            <Outlet />
          </Suspense>
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
      data={data.orgs.map(({ id, name }) => ({ value: id, label: name }))}
      onChange={(event) => void navigate({ to: paths.overview, params: { org: event.currentTarget.value } })}
    />
  );
}

function TopBarActions() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const { zone, toggle } = useTimeZone();
  const signOut = useSignOut();
  const other = scheme === "dark" ? "light" : "dark";
  return (
    <Group gap={4} wrap="nowrap">
      <SearchButton />
      <Tooltip label={words.shell.times[zone]}>
        <Button variant="subtle" size="compact-sm" onClick={toggle} aria-label={words.shell.times[zone]}>
          {zone === "utc" ? "UTC" : "local"}
        </Button>
      </Tooltip>
      <Tooltip label={words.shell.theme[other]}>
        <Button
          variant="subtle"
          size="compact-sm"
          onClick={() => setColorScheme(other)}
          aria-label={words.shell.theme[other]}
        >
          <span aria-hidden="true">{scheme === "dark" ? "☀" : "☾"}</span>
        </Button>
      </Tooltip>
      <Button variant="subtle" size="compact-sm" onClick={() => void signOut()}>
        {words.shell.signOut}
      </Button>
    </Group>
  );
}
