import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { useOrg } from "../session/index.ts";

const lasting = 60_000; // milliseconds: names change seldom

/**
 * A device of which the page has only the id, as far as whoever looks may know it. It is the one that its own page asks for. What comes
 * and goes of it is asked again after `every` milliseconds.
 */
export function useNamedDevice(id: string, every?: number): Reply<typeof routes.readDevice> | undefined {
  const org = useOrg();
  const { data } = useQuery({
    queryKey: ["device", org.id, id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readDevice, { params: { device: id }, signal }),
    staleTime: lasting,
    refetchInterval: every ?? false,
  });
  return data;
}
