import { Group as Row, Modal, NativeSelect, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { routes } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";
import { columnsOf, DataTable, Empty, EntityId, Press, RowPress, ProblemNotice } from "../kit/index.ts";
import { DeviceMark, DeviceName, DevicePicker } from "../naming/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Group } from "./group.tsx";

const own = words.groups;
type Member = Group["members"][number];
type Right = keyof typeof own.rights;
const rights = Object.keys(own.rights) as Right[]; // the keys of a constant
const rightOf = ({ read, write }: Member): Right => (read && write ? "both" : read ? "read" : "write");

/** Who is in a group, what each may there, and how it is put out. */
export function Members({ group, why }: { readonly group: Group; readonly why: string | undefined }) {
  const org = useOrg();
  const api = apiFor(org.id);
  const [isAdmitting, admitting] = useDisclosure(false);
  const paramsOf = (device: string) => ({ application: group.application, group: group.id, device });
  const admit = useAct(({ device, right }: { readonly device: string; readonly right: Right }) =>
    api.call(routes.admitToGroup, {
      params: paramsOf(device),
      body: { read: right !== "write", write: right !== "read" },
    }),
  );
  const expel = useAct((device: string) => api.call(routes.expelFromGroup, { params: paramsOf(device) }));
  const columns = columnsOf<Member>([
    { id: "device", head: own.device, width: 112, grows: true, cell: ({ device }) => <DeviceName id={device} /> },
    { id: "presence", head: own.presence, width: 112, cell: ({ device }) => <DeviceMark id={device} /> },
    {
      id: "expel",
      head: own.expel,
      width: 90,
      cell: ({ device }) => (
        <RowPress
          ends
          why={why}
          loading={expel.isPending && expel.variables === device}
          onClick={() => expel.mutate(device)}
          aria-label={own.expelOf(device)}
        >
          {own.expel}
        </RowPress>
      ),
    },
    {
      id: "may",
      head: own.may,
      width: 200,
      cell: (member) =>
        why !== undefined ? (
          own.rights[rightOf(member)]
        ) : (
          <NativeSelect
            size="xs"
            mt={2}
            aria-label={own.mayOf(member.device)}
            value={rightOf(member)}
            data={rights.map((value) => ({ value, label: own.rights[value] }))}
            onChange={({ currentTarget: { value } }) => {
              const right = rights.find((one) => one === value);
              if (right) admit.mutate({ device: member.device, right });
            }}
          />
        ),
    },
    { id: "id", head: words.common.id, width: 276, cell: ({ device }) => <EntityId id={device} /> },
  ]);
  const add = (
    <Press why={why} onClick={admitting.open}>
      {own.admit}
    </Press>
  );
  const error = expel.error ?? admit.error;
  return (
    <Stack gap="sm">
      <Row justify="space-between">
        <Title order={2} fz="lg">
          {own.members}
        </Title>
        {group.members.length > 0 && add}
      </Row>
      {error && !isAdmitting && <ProblemNotice error={error} />}
      {expel.isSuccess && (
        <Text fz="sm" role="status">
          {own.expelled}
        </Text>
      )}
      {group.members.length === 0 ? (
        <Empty next={add}>{own.noMembers}</Empty>
      ) : (
        <DataTable
          label={own.members}
          rows={group.members}
          total={group.members.length}
          columns={columns}
          idOf={({ device }) => device}
          nameOf={({ device }) => device}
          height="320px"
        />
      )}
      <Modal
        opened={isAdmitting}
        onClose={admitting.close}
        title={own.admit}
        closeButtonProps={{ "aria-label": words.common.close }}
      >
        <Stack gap="sm">
          <Text fz="sm">{own.admitHint}</Text>
          {admit.error && <ProblemNotice error={admit.error} />}
          <DevicePicker
            application={group.application}
            isFit={({ id }) => !group.members.some(({ device }) => device === id)}
            choose={({ id }) => admit.mutate({ device: id, right: "both" })}
            verb={own.admitOf}
          />
        </Stack>
      </Modal>
    </Stack>
  );
}
