import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { useCan, useOrg } from "../session/index.ts";

/** All rules: 200 at most. */
export function useRules() {
  const org = useOrg();
  return useQuery({
    queryKey: ["alert-rules", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listAlertRules, { signal }),
    enabled: useCan()("alert.read"),
  });
}

const every = 10_000; // milliseconds: one begins to fail by itself

/** All webhooks: 100 at most. */
export function useWebhooks() {
  const org = useOrg();
  return useQuery({
    queryKey: ["webhooks", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listWebhooks, { signal }),
    enabled: useCan()("alert.read"),
    refetchInterval: every,
  });
}
