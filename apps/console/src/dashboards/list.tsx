import { Alert, Button, FileInput, List, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { devicesNamed, readDashboardFile, routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import {
  columnsOf,
  DataTable,
  Empty,
  EntityId,
  Moment,
  Page,
  paths,
  Press,
  ProblemNotice,
  Slow,
} from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { ButtonLink } from "./button-link.tsx";
import { firstWidgets, type Known } from "./first.ts";

type Row = Reply<typeof routes.listDashboards>["items"][number];
const own = words.dashboards;
const mostLooked = 12; // devices that a first dashboard is made of

/** The dashboards that she may see. */
export function Dashboards() {
  const org = useOrg();
  const can = useCan();
  const [isMaking, making] = useDisclosure(false);
  const [isImporting, importing] = useDisclosure(false);
  const list = useQuery({
    queryKey: ["dashboards", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listDashboards, { signal }),
  });
  const why = can("dashboard.create") ? undefined : words.common.notAllowed("dashboard.create");
  const columns = columnsOf<Row>([
    {
      id: "name",
      head: words.common.name,
      width: 160,
      grows: true,
      cell: ({ id, name }) => (
        <Link to={paths.dashboard} params={{ org: org.id, dashboard: id }}>
          {name}
        </Link>
      ),
    },
    { id: "description", head: own.editor.description, width: 200, grows: true, cell: (row) => row.description ?? "" },
    { id: "widgets", head: own.widgets, width: 90, cell: ({ widgets }) => String(widgets) },
    { id: "seen", head: own.seenBy, width: 140, cell: ({ roles }) => (roles ? roles.join(", ") : own.everybody) },
    { id: "changed", head: own.changed, width: 120, cell: ({ updatedAt }) => <Moment at={updatedAt} /> },
    { id: "id", head: words.common.id, width: 276, cell: ({ id }) => <EntityId id={id} /> },
  ]);
  const add = (
    <Press onClick={making.open} why={why}>
      {own.add}
    </Press>
  );
  const actions = (
    <>
      <Press variant="default" onClick={importing.open} why={why}>
        {own.import}
      </Press>
      {add}
    </>
  );
  const rows = list.data?.items ?? [];
  return (
    <Page title={words.places.dashboards} lead={own.lead} actions={actions}>
      {list.isPending && <Slow />}
      {list.error && <ProblemNotice error={list.error} retry={() => void list.refetch()} />}
      {list.data && rows.length === 0 && <Empty next={<OfDevices why={why} />}>{own.empty}</Empty>}
      {rows.length > 0 && (
        <DataTable
          label={words.places.dashboards}
          rows={rows}
          columns={columns}
          idOf={({ id }) => id}
          nameOf={({ name }) => name}
        />
      )}
      <Add opened={isMaking} close={making.close} />
      <Import opened={isImporting} close={importing.close} />
    </Page>
  );
}

function Add({ opened, close }: { readonly opened: boolean; readonly close: () => void }) {
  const org = useOrg();
  const navigate = useNavigate();
  const form = useForm({ initialValues: { name: "" } });
  const make = useAct((body: { name: string }) => apiFor(org.id).call(routes.createDashboard, { body }));
  const submit = form.onSubmit((body) =>
    make.mutate(body, {
      onSuccess: ({ id }) => void navigate({ to: paths.editDashboard, params: { org: org.id, dashboard: id } }),
    }),
  );
  return (
    <Modal opened={opened} onClose={close} title={own.add} closeButtonProps={{ "aria-label": words.common.close }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput label={words.common.name} required data-autofocus {...form.getInputProps("name")} />
          {make.error && <ProblemNotice error={make.error} />}
          <Button type="submit" loading={make.isPending}>
            {own.add}
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}

/** One press, and there is something to look at and to change. */
function OfDevices({ why }: { readonly why: string | undefined }) {
  const org = useOrg();
  const navigate = useNavigate();
  const devices = useQuery({
    queryKey: ["dashboard-first", org.id],
    queryFn: ({ signal }) =>
      apiFor(org.id).call(routes.listDevices, { query: { limit: 100, state: "active" }, signal }),
  });
  const make = useAct(async () => {
    const api = apiFor(org.id);
    const known = await Promise.all((devices.data?.items ?? []).slice(0, mostLooked).map((one) => knownOf(api, one)));
    const { id } = await api.call(routes.createDashboard, {
      body: { name: own.first.name, widgets: [...firstWidgets(known)] },
    });
    // Here, because the list that this stands in is asked again and is empty no more.
    await navigate({ to: paths.dashboard, params: { org: org.id, dashboard: id } });
  });
  const isNone = devices.data?.items.length === 0;
  return (
    <Stack gap="xs" align="center">
      <Press
        why={why ?? (isNone ? own.noDevices : undefined)}
        loading={make.isPending}
        onClick={() => make.mutate(undefined)}
      >
        {own.fromDevices}
      </Press>
      {make.error && <ProblemNotice error={make.error} />}
    </Stack>
  );
}

async function knownOf(
  api: ReturnType<typeof apiFor>,
  { id, name, product }: Reply<typeof routes.readDevice>,
): Promise<Known> {
  const { items } = await api.call(routes.readLatest, { params: { device: id } });
  const declared = product && (await api.call(routes.readProduct, { params: { product } }));
  const units = Object.fromEntries(Object.entries(declared?.attributes ?? {}).map(([of, { unit }]) => [of, unit]));
  return { id, name, product, latest: items, units };
}

type Made = { readonly id: string; readonly missing: readonly string[] };

/** A file becomes a dashboard, or says what is wrong with it. */
function Import({ opened, close }: { readonly opened: boolean; readonly close: () => void }) {
  const org = useOrg();
  const [faults, setFaults] = useState<readonly string[]>([]);
  const [made, setMade] = useState<Made | undefined>(undefined);
  const navigate = useNavigate();
  const params = (id: string) => ({ org: org.id, dashboard: id });
  const make = useAct(async (file: File): Promise<Made | undefined> => {
    const read = readDashboardFile(await file.text());
    setFaults("faults" in read ? read.faults : []);
    if ("faults" in read) return undefined;
    const { name, description, widgets } = read;
    const api = apiFor(org.id);
    const body = { name, widgets, ...(description !== undefined && { description }) };
    const { id } = await api.call(routes.createDashboard, { body });
    const { devices } = await api.call(routes.readDashboardDevices, { params: { dashboard: id } });
    const there = new Set(devices.map((device) => device.id));
    return { id, missing: devicesNamed(widgets).filter((device) => !there.has(device)) };
  });
  const choose = (file: File | null) => {
    if (!file) return;
    make.mutate(file, {
      onSuccess: (answer) => {
        if (answer && answer.missing.length === 0) void navigate({ to: paths.dashboard, params: params(answer.id) });
        else setMade(answer);
      },
    });
  };
  const leave = () => {
    setFaults([]);
    setMade(undefined);
    make.reset();
    close();
  };
  return (
    <Modal opened={opened} onClose={leave} title={own.import} closeButtonProps={{ "aria-label": words.common.close }}>
      <Stack gap="sm">
        {made ? (
          <>
            <Text fz="sm">{own.importMissing}</Text>
            <List size="sm">
              {made.missing.map((id) => (
                <List.Item key={id}>
                  <EntityId id={id} />
                </List.Item>
              ))}
            </List>
            <ButtonLink to={paths.dashboard} params={params(made.id)}>
              {own.importOpen}
            </ButtonLink>
          </>
        ) : (
          <>
            <FileInput
              label={own.importFile}
              description={own.importLead}
              accept="application/json,.json"
              onChange={choose}
            />
            {faults.length > 0 && (
              <Alert role="alert" variant="outline" color="red" c="var(--hf-text)" title={own.importFaults}>
                <List size="sm">
                  {faults.slice(0, 20).map((fault) => (
                    <List.Item key={fault}>{fault}</List.Item>
                  ))}
                </List>
              </Alert>
            )}
            {make.error && <ProblemNotice error={make.error} />}
          </>
        )}
      </Stack>
    </Modal>
  );
}
