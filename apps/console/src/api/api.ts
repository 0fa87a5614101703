import { ApiProblem, type Client, NotReached } from "@holdfast/client";
import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ConfirmingClient } from "./confirming.ts";
import { heardTransport } from "./heard.ts";

/** The public API, asked by whoever is signed in; the cookie says who. */
type Api = Client;

const apis = new Map<string, Api>();
const transport = heardTransport();

/** The API as a member of this organisation, or of none: for signing in and what is the person's own. */
export function apiFor(org?: string): Api {
  const key = org ?? "";
  let api = apis.get(key);
  if (!api) apis.set(key, (api = new ConfirmingClient({ url: window.location.origin, org, transport })));
  return api;
}

const seconds = 1_000;

const demanded = new Set(["factor.demanded", "factor.unshown", "provider.required"]);

/** An organisation that demands more from now on: what the session is good for is asked again, and the page is another. */
function heed(error: unknown): void {
  const isOfDemands = error instanceof ApiProblem && demanded.has(error.code);
  if (isOfDemands) void queryClient.invalidateQueries({ queryKey: ["session"] });
}

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: heed }),
  mutationCache: new MutationCache({ onError: heed }),
  defaultOptions: {
    queries: {
      staleTime: 5 * seconds,
      // A refusal is an answer: only what did not arrive, or found the platform busy, is asked again.
      retry: (count, error) =>
        count < 3 && (error instanceof NotReached || (error instanceof ApiProblem && error.status === 503)),
      retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 5 * seconds),
    },
  },
});
