import {
  Button,
  Group,
  Menu,
  type MenuItemProps,
  Text,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { createLink } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { paths, useTimeZone } from "../kit/index.ts";
import { sessionQuery, useAdministered, useSignOut } from "../session/index.ts";
import { words } from "../words/index.ts";

const MenuLink = createLink((given: MenuItemProps & { readonly href?: string }) => (
  <Menu.Item component="a" {...given} />
));

/** What stands on the right above every page: how it looks, in which time, and who is there. */
export function TopBarActions({ children }: { readonly children?: ReactNode }) {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const { zone, toggle } = useTimeZone();
  const other = scheme === "dark" ? "light" : "dark";
  return (
    <Group gap={4} wrap="nowrap">
      {children}
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
      <PersonMenu />
    </Group>
  );
}

function PersonMenu() {
  const { data } = useSuspenseQuery(sessionQuery);
  const signOut = useSignOut();
  const administered = useAdministered();
  const { email } = data.person;
  return (
    <Menu position="bottom-end" width={240} transitionProps={{ duration: 0 }}>
      <Menu.Target>
        <Button variant="subtle" size="compact-sm" aria-label={words.shell.person(email)}>
          <span aria-hidden="true" className="hf-person">
            {email.slice(0, 1).toUpperCase()}
          </span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Text fz="sm" px="sm" py={6} c="var(--hf-dim)" truncate title={email}>
          {email}
        </Text>
        <MenuLink to={paths.account}>{words.shell.account}</MenuLink>
        {administered !== undefined && <MenuLink to={paths.instance}>{words.shell.instance}</MenuLink>}
        <Menu.Item onClick={() => void signOut()}>{words.shell.signOut}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
