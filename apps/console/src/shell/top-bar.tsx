import { Button, Group, Text, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef, type ReactNode } from "react";
import { paths, useTimeZone } from "../kit/index.ts";
import { sessionQuery, useAdministered, useSignOut } from "../session/index.ts";
import { words } from "../words/index.ts";

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

/** The browser's own popover, which closes by Escape and by a click elsewhere: a menu of the kit would be a tenth of the first load. */
function PersonMenu() {
  const { data } = useSuspenseQuery(sessionQuery);
  const signOut = useSignOut();
  const administered = useAdministered();
  const menu = useRef<HTMLDivElement>(null);
  const close = () => menu.current?.hidePopover();
  const { email } = data.person;
  return (
    <>
      <Button variant="subtle" size="compact-sm" popoverTarget="person" aria-label={words.shell.person(email)}>
        <span aria-hidden="true" className="hf-person">
          {email.slice(0, 1).toUpperCase()}
        </span>
      </Button>
      <div id="person" ref={menu} popover="auto" className="hf-menu">
        <Text fz="sm" px="sm" py={6} c="var(--hf-dim)" truncate title={email}>
          {email}
        </Text>
        <Link to={paths.account} onClick={close}>
          {words.shell.account}
        </Link>
        {administered !== undefined && (
          <Link to={paths.instance} onClick={close}>
            {words.shell.instance}
          </Link>
        )}
        <button type="button" onClick={() => void signOut()}>
          {words.shell.signOut}
        </button>
      </div>
    </>
  );
}
