import type { Reply } from "@holdfast/client";
import { roleNames, routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { useCan, useOrg } from "../session/index.ts";

export type Role = Reply<typeof routes.listRoles>["items"][number];

/** The roles that can be given here; to who may not read them, those that are everywhere. */
export function useRoles() {
  const org = useOrg();
  const mayRead = useCan()("role.read");
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["roles", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listRoles, { signal }),
    enabled: mayRead,
  });
  const known: readonly Role[] = data?.items ?? [];
  const options = mayRead
    ? known.map(({ id, name, description }) => ({ value: id, label: description ? `${name}: ${description}` : name }))
    : roleNames.map((name) => ({ value: name, label: name }));
  return { rows: known, options, error, isPending: mayRead && isPending, retry: () => void refetch() };
}
