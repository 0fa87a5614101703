import { Group, Modal, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { routes } from "@holdfast/protocol";
import { apiFor, useAct, useList } from "../api/index.ts";
import {
  columnsOf,
  DataTable,
  Empty,
  EntityId,
  Listing,
  Moment,
  pathTo,
  PlainLink,
  Press,
  RowPress,
  ProblemNotice,
  StateMark,
} from "../kit/index.ts";
import { DevicePicker, markOf } from "../naming/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Device } from "./frame.tsx";

const own = words.gateways;
const every = 5_000; // milliseconds: they come and go by themselves

/** The devices that this one speaks for; how each is by itself. */
export function Children({ device, why }: { readonly device: Device; readonly why: string | undefined }) {
  const org = useOrg();
  const api = apiFor(org.id);
  const [isChoosing, choosing] = useDisclosure(false);
  const list = useList(
    ["children", org.id, device.id],
    (cursor, signal) =>
      api.call(routes.listDevices, { query: { gateway: device.id, sort: "name", cursor, limit: 200 }, signal }),
    every,
  );
  const release = useAct((child: string) => api.call(routes.removeGateway, { params: { device: child } }));
  const bind = useAct((child: string) =>
    api.call(routes.setGateway, { params: { device: child }, body: { gateway: device.id } }),
  );
  const columns = columnsOf<Device>([
    {
      id: "name",
      head: own.child,
      width: 112,
      grows: true,
      cell: ({ id, name }) => <PlainLink href={pathTo("deviceGateway", { org: org.id, device: id })}>{name}</PlainLink>,
    },
    { id: "presence", head: own.presence, width: 112, cell: (child) => <StateMark state={markOf(child)} /> },
    {
      id: "release",
      head: own.release,
      width: 96,
      cell: ({ id, name }) => (
        <RowPress
          ends
          why={why}
          loading={release.isPending && release.variables === id}
          onClick={() => release.mutate(id)}
          aria-label={own.releaseOf(name)}
        >
          {own.release}
        </RowPress>
      ),
    },
    {
      id: "seen",
      head: own.seen,
      width: 110,
      cell: ({ presence: { lastSeenAt } }) =>
        lastSeenAt === undefined ? words.common.never : <Moment at={lastSeenAt} />,
    },
    { id: "alias", head: words.devices.alias, width: 100, grows: true, cell: ({ alias = "" }) => alias },
    { id: "id", head: words.common.id, width: 276, cell: ({ id }) => <EntityId id={id} /> },
  ]);
  const add = (
    <Press variant="default" why={why} onClick={choosing.open}>
      {own.bindChild}
    </Press>
  );
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2} fz="lg">
          {own.children}
        </Title>
        {list.rows.length > 0 && add}
      </Group>
      {release.error && <ProblemNotice error={release.error} />}
      <Listing list={list} empty={<Empty next={add}>{own.noChildren}</Empty>}>
        <DataTable
          label={own.children}
          {...list}
          columns={columns}
          idOf={({ id }) => id}
          nameOf={({ name }) => name}
          height="50dvh"
        />
      </Listing>
      <Modal
        opened={isChoosing}
        onClose={choosing.close}
        title={own.bindChild}
        closeButtonProps={{ "aria-label": words.common.close }}
      >
        <Stack gap="sm">
          <Text fz="sm">{own.bindChildHint}</Text>
          {bind.error && <ProblemNotice error={bind.error} />}
          <DevicePicker
            application={device.application}
            isFit={({ id, gateway }) => id !== device.id && gateway !== device.id}
            choose={({ id }) => bind.mutate(id)}
            verb={own.bindChildOf}
          />
        </Stack>
      </Modal>
    </Stack>
  );
}
