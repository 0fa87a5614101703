import { routes } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";
import { Press } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { whatOf, whyOver, type Alert } from "./alert.ts";

const own = words.alerts;

/** Says of an alert, by its id, that somebody sees to it. */
export function useAcknowledging() {
  const org = useOrg();
  return useAct((alert: string) => apiFor(org.id).call(routes.acknowledgeAlert, { params: { alert } }));
}

export function Acknowledge({
  alert,
  act,
  isInRow = false,
}: {
  readonly alert: Alert;
  readonly act: ReturnType<typeof useAcknowledging>;
  readonly isInRow?: boolean;
}) {
  const can = useCan();
  const why = whyOver(alert) ?? (can("alert.acknowledge") ? undefined : words.common.notAllowed("alert.acknowledge"));
  return (
    <Press
      {...(isInRow && {
        size: "compact-xs",
        variant: "default",
        "aria-label": own.acknowledgeOf(whatOf(alert), alert.id),
      })}
      why={why}
      loading={act.isPending && act.variables === alert.id}
      onClick={() => act.mutate(alert.id)}
    >
      {own.acknowledge}
    </Press>
  );
}
