import { useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { pathTo, places } from "../kit/index.ts";
import { useCan, useOrg, useSignOut } from "../session/index.ts";
import { words } from "../words/index.ts";
import { matches, type Found, type FoundGroup } from "./found.ts";

const own = words.search;

/** What the console itself has for this text: its places, and what can be done from anywhere. */
export function useOwn(text: string): readonly FoundGroup[] {
  const org = useOrg();
  const can = useCan();
  const signOut = useSignOut();
  const { setColorScheme } = useMantineColorScheme();
  const other = useComputedColorScheme("light") === "dark" ? "light" : "dark";
  const whyNot = (...oneOf: readonly [string, ...string[]]) =>
    oneOf.some(can) ? undefined : words.common.notAllowed(oneOf[0]);
  const at = (to: string) => to.replace("$org", encodeURIComponent(org.id));
  const there: readonly Found[] = [
    ...places.map(({ to, label }) => ({ id: to, label, href: at(to) })),
    { id: "people", label: words.access.tabs.people, href: pathTo("people", { org: org.id }) },
    { id: "lists", label: words.access.tabs.lists, href: pathTo("lists", { org: org.id }) },
    { id: "roles", label: words.access.tabs.roles, href: pathTo("roles", { org: org.id }) },
    { id: "groups", label: words.groups.tabs.groups, href: pathTo("groups", { org: org.id }) },
    { id: "alert-rules", label: words.search.alertRules, href: pathTo("alertRules", { org: org.id }) },
    { id: "webhooks", label: words.search.webhooks, href: pathTo("webhooks", { org: org.id }) },
    { id: "roots", label: words.roots.label, href: pathTo("deviceRoots", { org: org.id }) },
    { id: "security", label: words.places.security, href: pathTo("security", { org: org.id }) },
  ];
  const actions: readonly Found[] = [
    {
      id: "add-device",
      label: words.devices.add,
      href: pathTo("addDevice", { org: org.id }),
      why: whyNot("device.create"),
    },
    {
      id: "add-credential",
      label: words.access.add,
      href: pathTo("addCredential", { org: org.id }),
      why: whyNot("token.create", "operatorKey.create", "accessKey.create"),
    },
    { id: "theme", label: words.shell.theme[other], act: () => setColorScheme(other) },
    { id: "sign-out", label: words.shell.signOut, act: signOut },
  ];
  return [
    { name: own.places, items: there.filter(({ label }) => matches(text, label)) },
    { name: own.actions, items: actions.filter(({ label }) => matches(text, label)) },
  ];
}
