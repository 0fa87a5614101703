import { routes } from "@holdfast/protocol";
import { useNavigate } from "@tanstack/react-router";
import { apiFor, queryClient } from "../api/index.ts";
import { paths } from "../kit/index.ts";

/** Ends the session, and forgets what was seen with it. Whoever signs in next begins at `to`. */
export function useSignOut(): (to?: string) => Promise<void> {
  const navigate = useNavigate();
  return async (to) => {
    await apiFor().call(routes.deleteSession);
    queryClient.clear();
    await navigate({ to: paths.signIn, search: to === undefined ? {} : { to } });
  };
}
