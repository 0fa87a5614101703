import { ApiProblem, Client, NotReached } from "@holdfast/client";
import { QueryCache, QueryClient } from "@tanstack/react-query";

/** The public API, asked by whoever is signed in; the cookie says who. */
type Api = Client;

const apis = new Map<string, Api>();

/** The API as a member of this organisation, or of none: for signing in and what is the person's own. */
export function apiFor(org?: string): Api {
  const key = org ?? "";
  let api = apis.get(key);
  if (!api) apis.set(key, (api = new Client({ url: window.location.origin, org })));
  return api;
}

const listeners = new Set<() => void>();

/** Calls back when an answer says that nobody is signed in any more. Answers with what ends that. */
export function onSessionEnded(heard: () => void): () => void {
  listeners.add(heard);
  return () => listeners.delete(heard);
}

/** What the platform says when a cookie is missing, ended or no longer good. */
export const sessionEnded = (error: unknown): boolean => error instanceof ApiProblem && error.status === 401;

const seconds = 1_000;

export const queryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      if (sessionEnded(error)) for (const heard of listeners) heard();
    },
  }),
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
