import { Stack, Text, Title } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { apiFor, queryClient } from "../api/index.ts";
import { paths, Press, ProblemNotice } from "../kit/index.ts";
import { sessionQuery, useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.settings.simulation;

/**
 * In an organisation that the platform made to show itself: it goes, and the person finds herself in her own. Nothing in it is anybody's,
 * so one press is enough.
 */
export function RemoveSimulation() {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const why = can("simulation.end") ? undefined : words.common.notAllowed("simulation.end");
  // Not `useAct`: no page is asked again of an organisation that is gone.
  const remove = useMutation({
    mutationFn: async () => {
      await apiFor(org.id).call(routes.endSimulation);
      const session = await apiFor().call(routes.readSession);
      // Away from here first: no page is shown of an organisation that the session does not know.
      const [next] = session.orgs;
      if (next) await navigate({ to: paths.overview, params: { org: next.id }, replace: true });
      queryClient.setQueryData(sessionQuery.queryKey, session);
      queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey.includes(org.id) });
    },
  });
  return (
    <Stack gap="xs" maw={640} align="flex-start">
      <Title order={2} fz="lg">
        {own.title}
      </Title>
      <Text fz="sm">{own.explanation}</Text>
      {remove.error && <ProblemNotice error={remove.error} />}
      <Press color="red" variant="outline" why={why} loading={remove.isPending} onClick={() => remove.mutate()}>
        {own.button}
      </Press>
    </Stack>
  );
}
