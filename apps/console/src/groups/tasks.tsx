import { Group as Row, NativeSelect, Stack, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { routes, taskStates } from "@holdfast/protocol";
import { Link, useNavigate } from "@tanstack/react-router";
import { apiFor, useAct, useList } from "../api/index.ts";
import {
  columnsOf,
  DataTable,
  Empty,
  EntityId,
  Listing,
  Moment,
  Press,
  RowPress,
  ProblemNotice,
  Slow,
  useShown,
} from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Group } from "./group.tsx";
import { Holder } from "./holder.tsx";
import { PutTask } from "./put-task.tsx";
import { TaskDialog } from "./task-dialog.tsx";
import { TaskMark } from "./task-mark.tsx";
import { isOpen, type Task } from "./task.ts";

const own = words.groups.tasks;
const every = 3_000; // milliseconds: devices lease and answer by themselves

/** The board of a group: what is to be done, who has it and until when, and what became of the rest. */
export function Tasks({ group }: { readonly group: Group }) {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const shown = useShown();
  const [isPutting, putting] = useDisclosure(false);
  const api = apiFor(org.id);
  const { application, id } = group;
  const state = taskStates.find((one) => one === shown.q);
  const list = useList(
    ["tasks", org.id, id, state],
    (cursor, signal) =>
      api.call(routes.listTasks, {
        params: { application, group: id },
        query: { cursor, limit: 100, ...(state !== undefined && { state }) },
        signal,
      }),
    every,
  );
  const cancel = useAct((task: string) => api.call(routes.cancelTask, { params: { application, group: id, task } }));
  const why = can("group.task") ? undefined : words.common.notAllowed("group.task");
  const columns = columnsOf<Task>([
    {
      id: "name",
      head: own.name,
      width: 112,
      grows: true,
      cell: (task) => (
        <Link to="." search={{ ...shown, open: task.id }}>
          {task.name}
        </Link>
      ),
    },
    { id: "state", head: words.common.state, width: 104, cell: (task) => <TaskMark state={task.state} /> },
    {
      id: "cancel",
      head: own.cancel,
      width: 84,
      cell: (task) =>
        isOpen(task) && (
          <RowPress
            why={why}
            loading={cancel.isPending && cancel.variables === task.id}
            onClick={() => cancel.mutate(task.id)}
            aria-label={own.cancelOf(task.name, task.id)}
          >
            {own.cancel}
          </RowPress>
        ),
    },
    { id: "holder", head: own.holder, width: 220, grows: true, cell: (task) => <Holder task={task} /> },
    { id: "result", head: own.result, width: 150, grows: true, cell: outcomeOf },
    { id: "leases", head: own.leases, width: 90, cell: ({ leases }) => own.times(leases) },
    { id: "created", head: words.common.created, width: 104, cell: ({ createdAt }) => <Moment at={createdAt} /> },
    {
      id: "ends",
      head: own.ends,
      width: 104,
      cell: ({ expiresAt, endedAt }) => <Moment at={endedAt ?? expiresAt} />,
    },
    { id: "id", head: words.common.id, width: 276, cell: (task) => <EntityId id={task.id} /> },
  ]);
  const put = (
    <Press why={why} onClick={putting.open}>
      {own.put}
    </Press>
  );
  return (
    <Stack gap="sm">
      <Row justify="space-between" align="flex-end">
        <Title order={2} fz="lg">
          {own.title}
        </Title>
        <Row gap="sm" align="flex-end">
          <NativeSelect
            label={own.show}
            value={state ?? ""}
            data={[
              { value: "", label: own.everything },
              ...taskStates.map((value) => ({ value, label: own.states[value] })),
            ]}
            onChange={({ currentTarget: { value } }) =>
              void navigate({ to: ".", search: value === "" ? {} : { q: value } })
            }
          />
          {put}
        </Row>
      </Row>
      {cancel.error && <ProblemNotice error={cancel.error} />}
      {list.isOld && <Slow />}
      <Listing list={list} empty={<Empty>{state === undefined ? own.empty : own.noneSo}</Empty>}>
        <DataTable
          label={own.label}
          {...list}
          columns={columns}
          idOf={(task) => task.id}
          nameOf={({ name }) => name}
          height="60dvh"
        />
      </Listing>
      <PutTask group={group} opened={isPutting} close={putting.close} />
      {shown.open !== undefined && <TaskDialog group={group} id={shown.open} />}
    </Stack>
  );
}

const outcomeOf = (task: Task): string => {
  const outcome = task.error === undefined ? task.result : task.error;
  return outcome === undefined ? "" : JSON.stringify(outcome);
};
