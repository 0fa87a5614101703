import { Group, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Link } from "@tanstack/react-router";
import { apiFor, useList } from "../api/index.ts";
import {
  columnsOf,
  DataTable,
  Empty,
  EntityId,
  Listing,
  Moment,
  paths,
  Press,
  RowPress,
  StateMark,
} from "../kit/index.ts";
import { useRevoking } from "../revoking/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { AddKey } from "./add-key.tsx";
import { DeviceFrame, useDevice, type Device } from "./frame.tsx";

type Credential = Reply<typeof routes.listCredentials>["items"][number];
const own = words.certificates;

/** The certificates by which a device comes in: until when each is good, and who vouches for it. */
export function DeviceCertificates() {
  const device = useDevice();
  const can = useCan();
  return (
    <DeviceFrame device={device}>
      {can("credential.read") ? (
        <Certificates device={device} />
      ) : (
        <Text fz="sm">{words.common.notAllowed("credential.read")}</Text>
      )}
    </DeviceFrame>
  );
}

function Certificates({ device }: { readonly device: Device }) {
  const org = useOrg();
  const can = useCan();
  const revoking = useRevoking();
  const [isIssuing, issuing] = useDisclosure(false);
  const all = useList(["credentials", org.id, "device", device.id], (cursor, signal) =>
    apiFor(org.id).call(routes.listCredentials, { query: { cursor, device: device.id }, signal }),
  );
  const rows = all.rows.filter(({ kind, issued }) => kind === "certificate" || issued !== undefined);
  const list = { ...all, rows };
  const whyNotRevoke = can("credential.revoke") ? undefined : words.common.notAllowed("credential.revoke");
  const columns = columnsOf<Credential>([
    { id: "state", head: words.common.state, width: 100, cell: ({ state }) => <StateMark state={state} /> },
    {
      id: "until",
      head: own.until,
      width: 110,
      cell: ({ issued, expiresAt }) => {
        const end = issued?.notAfter ?? expiresAt;
        return end === undefined ? own.noEnd : <Moment at={end} />;
      },
    },
    { id: "how", head: own.how, width: 120, cell: ({ issued }) => (issued ? own.issued : own.pinned) },
    {
      id: "revoke",
      head: words.revoking.revoke,
      width: 92,
      cell: (credential) => (
        <RowPress
          ends
          why={credential.state === "active" ? whyNotRevoke : words.access.isOver}
          onClick={() => revoking.ask({ credential: credential.id, name: device.name })}
          aria-label={`${words.revoking.revoke} ${credential.id}`}
        >
          {words.revoking.revoke}
        </RowPress>
      ),
    },
    {
      id: "serial",
      head: own.serial,
      width: 300,
      cell: ({ issued }) => issued && <EntityId id={issued.serial} />,
    },
    {
      id: "used",
      head: words.access.lastUsed,
      width: 110,
      cell: ({ lastUsedAt }) => (lastUsedAt === undefined ? words.common.never : <Moment at={lastUsedAt} />),
    },
    {
      id: "key",
      head: own.key,
      width: 336,
      cell: ({ boundTo }) => boundTo !== undefined && <EntityId id={boundTo} />,
    },
    {
      id: "id",
      head: own.credential,
      width: 300,
      cell: ({ id }) => (
        <Link to={paths.credential} params={{ org: org.id, credential: id }}>
          {id}
        </Link>
      ),
    },
  ]);
  const why =
    device.state === "retired"
      ? words.device.isRetired
      : can("device.mintKey")
        ? undefined
        : words.common.notAllowed("device.mintKey");
  const issue = (
    <Press why={why} onClick={issuing.open}>
      {own.issue}
    </Press>
  );
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2} fz="lg">
          {own.label}
        </Title>
        {rows.length > 0 && issue}
      </Group>
      <Text fz="sm" c="var(--hf-dim)">
        {own.lead}
      </Text>
      {revoking.notice}
      <Listing list={list} empty={<Empty next={issue}>{own.empty}</Empty>}>
        <DataTable
          label={own.label}
          {...list}
          columns={columns}
          idOf={({ id }) => id}
          nameOf={({ id }) => id}
          height="50dvh"
        />
      </Listing>
      <AddKey device={device.id} first="issued" opened={isIssuing} close={issuing.close} />
      {revoking.dialog}
    </Stack>
  );
}
