import { Button, Modal, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { isCommandName, routes } from "@holdfast/protocol";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { apiFor, useAct } from "../api/index.ts";
import {
  asList,
  columnsOf,
  DataTable,
  Empty,
  EntityId,
  Listing,
  Moment,
  Page,
  paths,
  Press,
  ProblemNotice,
  useShown,
} from "../kit/index.ts";
import { useCan, useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { DevicesTabs } from "./tabs.tsx";

type Row = Reply<typeof routes.listGroups>["items"][number];
const own = words.groups;

/** The groups of an application: devices that talk to each other, and share tasks. */
export function Groups() {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const { q } = useShown();
  const [isMaking, making] = useDisclosure(false);
  const { data } = useSuspenseQuery({
    queryKey: ["applications-all", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listApplications, { query: { limit: 1_000 }, signal }),
  });
  const application = data.items.find(({ id }) => id === q) ?? data.items[0];
  const whyNot = can("group.manage") ? undefined : words.common.notAllowed("group.manage");
  const add = (
    <Press why={application ? whyNot : own.noApplication} onClick={making.open}>
      {own.add}
    </Press>
  );
  return (
    <Page title={words.places.devices} lead={own.lead} actions={add}>
      <DevicesTabs />
      {!can("group.read") ? (
        <Text fz="sm">{words.common.notAllowed("group.read")}</Text>
      ) : application ? (
        <>
          <NativeSelect
            label={own.application}
            w={260}
            value={application.id}
            data={data.items.map(({ id, name }) => ({ value: String(id), label: name }))}
            onChange={({ currentTarget: { value } }) => void navigate({ to: ".", search: { q: value } })}
          />
          <GroupsOf key={application.id} application={application.id} add={add} />
          <AddGroup application={application.id} opened={isMaking} close={making.close} />
        </>
      ) : (
        <Empty>{own.noApplication}</Empty>
      )}
    </Page>
  );
}

function GroupsOf({ application, add }: { readonly application: string; readonly add: React.ReactNode }) {
  const org = useOrg();
  const query = useQuery({
    queryKey: ["groups", org.id, application],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listGroups, { params: { application }, signal }),
  });
  const list = asList(query);
  const columns = columnsOf<Row>([
    {
      id: "name",
      head: words.common.name,
      width: 160,
      grows: true,
      cell: ({ id, name }) => (
        <Link to={paths.group} params={{ org: org.id, application, group: id }}>
          {name}
        </Link>
      ),
    },
    { id: "members", head: own.members, width: 90, cell: ({ members }) => String(members.length) },
    { id: "created", head: words.common.created, width: 120, cell: ({ createdAt }) => <Moment at={createdAt} /> },
    { id: "id", head: words.common.id, width: 276, cell: ({ id }) => <EntityId id={id} /> },
  ]);
  return (
    <Listing list={list} empty={<Empty next={add}>{own.empty}</Empty>}>
      <DataTable label={own.label} {...list} columns={columns} idOf={({ id }) => id} nameOf={({ name }) => name} />
    </Listing>
  );
}

function AddGroup({
  application,
  opened,
  close,
}: {
  readonly application: string;
  readonly opened: boolean;
  readonly close: () => void;
}) {
  const org = useOrg();
  const navigate = useNavigate();
  const form = useForm({
    initialValues: { name: "" },
    validate: { name: (name) => (isCommandName(name) && !name.startsWith("grp_") ? null : own.nameFault) },
  });
  useKept(form, "group");
  const make = useAct((body: { name: string }) =>
    apiFor(org.id).call(routes.createGroup, { params: { application }, body }),
  );
  const submit = form.onSubmit((body) =>
    make.mutate(body, {
      onSuccess: ({ id }) => void navigate({ to: paths.group, params: { org: org.id, application, group: id } }),
    }),
  );
  return (
    <Modal opened={opened} onClose={close} title={own.add} closeButtonProps={{ "aria-label": words.common.close }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput
            label={words.common.name}
            description={own.nameHint}
            required
            data-autofocus
            {...form.getInputProps("name")}
          />
          {make.error && <ProblemNotice error={make.error} />}
          <Button type="submit" loading={make.isPending}>
            {own.make}
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
