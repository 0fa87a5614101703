import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

export type Provider = Reply<typeof routes.readProvider>;
export type Domain = Provider["domains"][number];

export function useProviders(): readonly Provider[] {
  const org = useOrg();
  const { data } = useSuspenseQuery({
    queryKey: ["providers", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listProviders, { signal }),
  });
  return data.items;
}

/** Why whoever is here may not change them; `undefined` where she may. */
export function useWhyNot(): string | undefined {
  return useCan()("provider.manage") ? undefined : words.common.notAllowed("provider.manage");
}
