import { Group, Progress, Stack, Text } from "@mantine/core";
import { commandStates, routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { Facts, Moment, ProblemNotice, Slow } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.commands;
const every = 2_000; // milliseconds

/** How far a command is that went to many, until all of them are through. */
export function Batch({ id }: { readonly id: string }) {
  const org = useOrg();
  const { data, error, refetch } = useQuery({
    queryKey: ["command-batch", org.id, id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readBatch, { params: { batch: id }, signal }),
    refetchInterval: ({ state }) => (state.data?.isDone ? false : every),
  });
  if (error && !data) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (!data) return <Slow />;
  const { counts, total } = data;
  const open = counts.proposed + counts.waiting + counts.sent + counts.acknowledged;
  const through = total - open;
  return (
    <Stack gap="sm">
      <Group gap="xs">
        <Progress flex={1} value={total === 0 ? 100 : (100 * through) / total} aria-label={own.through} />
        <Text fz="sm" role="status">
          {own.progress(through, total)}
        </Text>
      </Group>
      <Facts
        facts={[
          [own.name, data.name],
          ...commandStates
            .filter((state) => counts[state] > 0)
            .map((state) => [own.states[state], String(counts[state])] as const),
          [own.ends, <Moment key="ends" at={data.expiresAt} exactly />],
        ]}
      />
      {counts.proposed > 0 && <Text fz="sm">{own.approveEach}</Text>}
    </Stack>
  );
}
