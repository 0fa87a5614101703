import { Text } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor, queryClient } from "../api/index.ts";
import { Confirm, paths, Press } from "../kit/index.ts";
import { sessionQuery, useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.settings.simulation;

/** In an organisation that the platform made to show itself: it goes, and the person finds herself in her own. */
export function RemoveSimulation() {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  const why = can("simulation.end") ? undefined : words.common.notAllowed("simulation.end");
  const remove = async () => {
    await apiFor(org.id).call(routes.endSimulation);
    // Away from here first: no page is shown of an organisation that the session does not know.
    const session = await apiFor().call(routes.readSession);
    const [next] = session.orgs;
    if (next) await navigate({ to: paths.overview, params: { org: next.id }, replace: true });
    queryClient.setQueryData(sessionQuery.queryKey, session);
    queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey.includes(org.id) });
  };
  return (
    <div>
      <Press color="red" variant="default" why={why} onClick={() => setOpen(true)}>
        {own.button}
      </Press>
      <Confirm
        opened={isOpen}
        title={own.title}
        name={org.name}
        label={own.label}
        act={remove}
        close={() => setOpen(false)}
      >
        <Text fz="sm">{own.explanation}</Text>
      </Confirm>
    </div>
  );
}
