import { useSuspenseQuery } from "@tanstack/react-query";
import { sessionQuery } from "./session.ts";

/** The organisation as a member of which she administers the instance; `undefined` where there is none now. */
export function useAdministered(): string | undefined {
  const { data } = useSuspenseQuery(sessionQuery);
  return data.orgs.find(({ grants }) => grants.includes("instance.manage"))?.id;
}
