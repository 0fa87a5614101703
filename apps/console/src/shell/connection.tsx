import { Alert } from "@mantine/core";
import { NotReached } from "@holdfast/client";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { on, queryClient } from "../api/index.ts";
import { exact } from "../kit/index.ts";
import { useTimeZone } from "../kit/index.ts";
import { sessionQuery } from "../session/index.ts";
import { words } from "../words/index.ts";

/**
 * Says when the platform stopped answering, and that it is back; what failed meanwhile is asked again. What it asks is about the session, so
 * that a page on which nothing else happens notices its end too.
 */
export function Connection() {
  const { zone } = useTimeZone();
  const { error, isSuccess } = useQuery({
    ...sessionQuery,
    refetchInterval: ({ state }) => (state.error ? 2_000 : 15_000),
  });
  // Whoever got no answer first tells it: the next look may be far away.
  useEffect(
    () =>
      on("not reached", () => {
        const alive = queryClient.getQueryState(sessionQuery.queryKey);
        if (alive?.status === "success" && alive.fetchStatus === "idle")
          void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey });
      }),
    [],
  );
  const isGone = error instanceof NotReached;
  const [since, setSince] = useState<number | undefined>(undefined);
  useEffect(() => {
    if (isGone) setSince((before) => before ?? Date.now());
    else if (isSuccess && since !== undefined) {
      setSince(undefined);
      void queryClient.invalidateQueries();
    }
  }, [isGone, isSuccess, since]);
  if (since === undefined) return null;
  return (
    <Alert role="status" color="yellow" variant="outline" radius={0} c="var(--hf-text)">
      {words.shell.gone(exact(since, zone))}
    </Alert>
  );
}
