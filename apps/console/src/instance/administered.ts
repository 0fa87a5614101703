import { useSuspenseQuery } from "@tanstack/react-query";
import { sessionQuery } from "../session/index.ts";

type Administered = { readonly id: string; readonly may: (action: string) => boolean };

/** The organisation as a member of which she administers the instance; `undefined` where there is none now. */
export function useAdministered(): Administered | undefined {
  const { data } = useSuspenseQuery(sessionQuery);
  const org = data.orgs.find(({ grants }) => grants.includes("instance.read"));
  return org && { id: org.id, may: (action) => org.grants.includes(action) };
}
