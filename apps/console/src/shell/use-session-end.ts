import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { on, queryClient } from "../api/index.ts";
import { paths } from "../kit/index.ts";
import { sessionQuery } from "../session/index.ts";

const isAtDoor = (): boolean => `${window.location.pathname}/`.startsWith(`${paths.signIn}/`);

/** Whoever is signed in no more, or not here, is asked to sign in, and comes back to where she was. */
export function useSessionEnd(isOverHere = false): void {
  const navigate = useNavigate();
  useEffect(() => {
    let isLeaving = false;
    const leave = () => {
      // Several questions are under way, and each hears it; so does what she leaves when she is on her way to the door already.
      if (isLeaving || isAtDoor()) return;
      isLeaving = true;
      const to = `${window.location.pathname}${window.location.search}`;
      const { provider, orgs: [first] = [] } = queryClient.getQueryData(sessionQuery.queryKey) ?? {};
      const search = { to, ended: true };
      const way =
        provider !== undefined && first
          ? navigate({ to: paths.organisationSignIn, params: { org: first.id }, search })
          : navigate({ to: paths.signIn, search });
      void way.then(() => queryClient.clear());
    };
    if (isOverHere) leave();
    return on("session ended", leave);
  }, [navigate, isOverHere]);
}
