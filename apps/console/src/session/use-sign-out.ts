import { routes } from "@holdfast/protocol";
import { useNavigate } from "@tanstack/react-router";
import { apiFor, queryClient } from "../api/index.ts";
import { paths } from "../kit/index.ts";

/** Ends the session, and forgets what was seen with it. Whoever signs in next begins at `to`. */
export function useSignOut(): (to?: string) => Promise<void> {
  const navigate = useNavigate();
  return async (to) => {
    const { signOutAt } = await apiFor().call(routes.deleteSession);
    queryClient.clear();
    // Whom an organisation's provider brought is signed out there as well, and comes back to the door.
    if (signOutAt !== undefined) return window.location.assign(signOutAt);
    await navigate({ to: paths.signIn, search: to === undefined ? {} : { to } });
  };
}
