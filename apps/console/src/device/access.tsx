import { Code, Group, NativeSelect, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { actions, routes, type Action } from "@holdfast/protocol";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor, useAct, useList } from "../api/index.ts";
import { DoorCard } from "../doors/index.ts";
import {
  DataTable,
  Empty,
  Listing,
  Moment,
  paths,
  ProblemNotice,
  StateMark,
  columnsOf,
  Press,
  RowPress,
} from "../kit/index.ts";
import { useRevoking } from "../revoking/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { kindWord, words } from "../words/index.ts";
import { AddKey } from "./add-key.tsx";
import { Findings } from "./findings.tsx";
import { DeviceFrame, useDevice, type Device } from "./frame.tsx";
import { HandingOver } from "./handing-over.tsx";
import { Ownership } from "./ownership.tsx";
import { UserLists } from "./user-lists.tsx";
import type { Reply } from "@holdfast/client";

type Key = Reply<typeof routes.listCredentials>["items"][number];
const own = words.device.access;

/** Who can come in as this device, and why somebody may do something with it or not. */
export function DeviceAccess() {
  const device = useDevice();
  return (
    <DeviceFrame device={device}>
      <Findings device={device} on="access" />
      <Keys device={device} />
      <DoorCard whose={{ device: device.id }} why={device.state === "retired" ? words.device.isRetired : undefined} />
      <Ownership device={device} />
      <HandingOver device={device} />
      {device.user !== undefined && <UserLists device={device.id} user={device.user} />}
      <Explain device={device} />
    </DeviceFrame>
  );
}

function Keys({ device }: { readonly device: Device }) {
  const org = useOrg();
  const can = useCan();
  const api = apiFor(org.id);
  const revoking = useRevoking();
  const list = useList(["credentials", org.id, "device", device.id], (cursor, signal) =>
    api.call(routes.listCredentials, { query: { cursor, device: device.id }, signal }),
  );
  const [isAdding, adding] = useDisclosure(false);
  const why =
    device.state === "retired"
      ? words.device.isRetired
      : can("device.mintKey")
        ? undefined
        : words.common.notAllowed("device.mintKey");
  const whyNotRevoke = can("credential.revoke") ? undefined : words.common.notAllowed("credential.revoke");
  const columns = columnsOf<Key>([
    {
      id: "id",
      head: words.common.id,
      width: 300,
      grows: true,
      cell: ({ id }) => (
        <Link to={paths.credential} params={{ org: org.id, credential: id }}>
          {id}
        </Link>
      ),
    },
    {
      id: "kind",
      head: words.access.kind,
      width: 150,
      cell: ({ kind, boundTo }) =>
        kind === "device" && boundTo !== undefined ? words.held.isBound(kindWord(kind)) : kindWord(kind),
    },
    { id: "state", head: words.common.state, width: 110, cell: ({ state }) => <StateMark state={state} /> },
    { id: "created", head: words.common.created, width: 120, cell: ({ createdAt }) => <Moment at={createdAt} /> },
    {
      id: "used",
      head: words.access.lastUsed,
      width: 120,
      cell: ({ lastUsedAt }) => (lastUsedAt === undefined ? words.common.never : <Moment at={lastUsedAt} />),
    },
    {
      id: "revoke",
      head: words.revoking.revoke,
      width: 120,
      cell: (key) => (
        <RowPress
          ends
          why={key.state === "active" ? whyNotRevoke : words.access.isOver}
          onClick={() => revoking.ask({ credential: key.id, name: device.name })}
          aria-label={`${words.revoking.revoke} ${key.id}`}
        >
          {words.revoking.revoke}
        </RowPress>
      ),
    },
  ]);
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2} fz="lg">
          {own.keys}
        </Title>
        <Press why={why} onClick={adding.open}>
          {own.another}
        </Press>
      </Group>
      <Text fz="sm" c="var(--hf-dim)">
        {own.rotateHint}
      </Text>
      {revoking.notice}
      <Listing list={list} empty={<Empty>{own.noKeys}</Empty>}>
        <DataTable
          label={own.keys}
          {...list}
          columns={columns}
          idOf={({ id }) => id}
          nameOf={({ id }) => id}
          height="320px"
        />
      </Listing>
      <AddKey device={device.id} opened={isAdding} close={adding.close} />
      {revoking.dialog}
    </Stack>
  );
}

const aboutDevices = (Object.keys(actions) as Action[]).filter((action) => actions[action] === "device"); // the keys of a constant

function Explain({ device }: { readonly device: Device }) {
  const org = useOrg();
  const can = useCan();
  const [credential, setCredential] = useState("");
  const [action, setAction] = useState<string>("telemetry.write");
  const explain = useAct(() =>
    apiFor(org.id).call(routes.explain, { body: { credential: credential.trim(), action, resource: device.id } }),
  );
  const why = can("authority.explain") ? undefined : words.common.notAllowed("authority.explain");
  return (
    <Stack gap="sm">
      <Title order={2} fz="lg">
        {own.explain}
      </Title>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          explain.mutate(undefined);
        }}
      >
        <Group align="flex-end" gap="xs">
          <TextInput
            label={own.credential}
            placeholder="key_…"
            required
            w={320}
            value={credential}
            onChange={(event) => setCredential(event.currentTarget.value)}
          />
          <NativeSelect
            label={own.action}
            data={aboutDevices}
            value={action}
            onChange={(event) => setAction(event.currentTarget.value)}
          />
          <Press type="submit" variant="default" why={why} loading={explain.isPending}>
            {own.ask}
          </Press>
        </Group>
      </form>
      {explain.error && <ProblemNotice error={explain.error} />}
      {explain.data && (
        <Text fz="sm" role="status">
          <strong>{explain.data.allowed ? own.allowed : own.refused}</strong> <Code>{explain.data.because}</Code>
        </Text>
      )}
    </Stack>
  );
}
