import { routes } from "@holdfast/protocol";
import { useNavigate } from "@tanstack/react-router";
import { apiFor, queryClient } from "../api/index.ts";
import { paths } from "../kit/index.ts";

/** Ends the session, and forgets what was seen with it. */
export function useSignOut(): () => Promise<void> {
  const navigate = useNavigate();
  return async () => {
    await apiFor().call(routes.deleteSession);
    queryClient.clear();
    await navigate({ to: paths.signIn });
  };
}
