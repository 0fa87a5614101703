import { useSuspenseQuery } from "@tanstack/react-query";
import { paths, Tabs } from "../kit/index.ts";
import { sessionQuery } from "../session/index.ts";
import { OwnFrame } from "../shell/index.ts";
import { words } from "../words/index.ts";

const own = words.account;
const tabs = [
  { to: paths.account, label: own.tabs.signingIn },
  { to: paths.accountOrganisations, label: own.tabs.organisations },
  { to: paths.accountSessions, label: own.tabs.sessions },
] as const;

/** A person's own place: her account is of no organisation, and stays hers when she loses all of them. */
export function AccountFrame() {
  const { data } = useSuspenseQuery(sessionQuery);
  return (
    <OwnFrame title={own.title} lead={data.person.email} tabs={<Tabs label={own.pages} tabs={tabs} params={{}} />} />
  );
}
