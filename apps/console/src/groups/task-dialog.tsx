import { Modal, Stack, Text } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { apiFor } from "../api/index.ts";
import { EntityId, Facts, Moment, ProblemNotice, Program, Slow, useShown } from "../kit/index.ts";
import { PersonName } from "../naming/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Group } from "./group.tsx";
import { Holder } from "./holder.tsx";
import { TaskMark } from "./task-mark.tsx";
import { isOpen, type Task } from "./task.ts";

const own = words.groups.tasks;
const every = 3_000; // milliseconds

/** One task as a whole, what it says and what came of it. It stands in the address. */
export function TaskDialog({ group, id }: { readonly group: Group; readonly id: string }) {
  const org = useOrg();
  const navigate = useNavigate();
  const { open: _, ...rest } = useShown();
  const { data, error } = useQuery({
    queryKey: ["task", org.id, id],
    queryFn: ({ signal }) =>
      apiFor(org.id).call(routes.readTask, {
        params: { application: group.application, group: group.id, task: id },
        signal,
      }),
    refetchInterval: every,
  });
  return (
    <Modal
      opened
      onClose={() => void navigate({ to: ".", search: rest })}
      title={data?.name ?? own.title}
      size="lg"
      closeButtonProps={{ "aria-label": words.common.close }}
    >
      {data ? <Whole task={data} /> : error ? <ProblemNotice error={error} /> : <Slow />}
    </Modal>
  );
}

function Whole({ task }: { readonly task: Task }) {
  const { by, createdAt, expiresAt, endedAt, leases } = task;
  const documents = [
    [own.body, task.body],
    [own.result, task.result],
    [own.error, task.error],
  ] as const;
  return (
    <Stack gap="md">
      <Facts
        facts={[
          [words.common.state, <TaskMark key="state" state={task.state} />],
          [isOpen(task) ? own.holder : own.had, <Holder key="holder" task={task} />],
          [own.leases, own.times(leases)],
          [own.by, <PersonName key="by" id={by} />],
          [words.common.created, <Moment key="created" at={createdAt} exactly />],
          endedAt === undefined
            ? [own.ends, <Moment key="ends" at={expiresAt} exactly />]
            : [own.ended, <Moment key="ended" at={endedAt} exactly />],
          [words.common.id, <EntityId key="id" id={task.id} />],
        ]}
      />
      {documents.map(
        ([label, of]) =>
          of !== undefined && (
            <Stack key={label} gap={4}>
              <Text fz="sm" fw={600}>
                {label}
              </Text>
              <Program label={label} text={JSON.stringify(of, undefined, 2)} />
            </Stack>
          ),
      )}
    </Stack>
  );
}
