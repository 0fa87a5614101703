import { routes } from "@holdfast/protocol";
import type { Reply } from "@holdfast/client";
import { queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { apiFor } from "../api/index.ts";

/** Who is signed in, of which organisations, until when. */
type Session = Reply<typeof routes.readSession>;
export type Member = Session["orgs"][number];

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => apiFor().call(routes.readSession, { signal }),
  staleTime: 60_000,
  retry: false,
});

/** The organisation of this page, as the person is a member of it. */
export function useOrg(): Member {
  const { org } = useParams({ strict: false });
  const { data } = useSuspenseQuery(sessionQuery);
  const found = data.orgs.find(({ id }) => id === org);
  if (!found) throw new Error("this page belongs to an organisation"); // the router let nobody in without
  return found;
}

/** Whether the person's role here holds an action somewhere; whether for one thing, only the platform says. */
export function useCan(): (action: string) => boolean {
  const { grants } = useOrg();
  return (action) => grants.some((grant) => grant === "*" || grant === action || grant.startsWith(`${action}:`));
}
