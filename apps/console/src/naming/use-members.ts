import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { useCan, useOrg } from "../session/index.ts";

/** Who belongs to the organisation, as far as whoever looks may know. */
export function useMembers(): {
  readonly members: Reply<typeof routes.listMembers>["items"];
  readonly mayRead: boolean;
  /** Whether all of them are there. */
  readonly isKnown: boolean;
} {
  const org = useOrg();
  const mayRead = useCan()("member.read");
  const { data } = useQuery({
    queryKey: ["members", org.id, "all"],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listMembers, { query: { limit: 1_000 }, signal }),
    enabled: mayRead,
  });
  return { members: data?.items ?? [], mayRead, isKnown: data !== undefined };
}
