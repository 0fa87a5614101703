import { Button, Group, NativeSelect, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor, queryClient, useAct, useList } from "../api/index.ts";
import {
  columnsOf,
  Confirm,
  DataTable,
  Empty,
  EntityId,
  Listing,
  Moment,
  paths,
  Press,
  RowPress,
  ProblemNotice,
  StateMark,
  useShown,
} from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { CustomerCode } from "./customer-code.tsx";
import { CustomerDevices } from "./customer-devices.tsx";
import { CustomerSignIns } from "./customer-sign-ins.tsx";
import { AccessFrame } from "./frame.tsx";

type Application = Reply<typeof routes.listApplications>["items"][number];
type User = Reply<typeof routes.listUsers>["items"][number];
const own = words.customers;
const signUps = ["closed", "confirmed", "open"] as const;

/** Customers of an application: who signs in to it, which devices are theirs, and how that ends. */
export function Customers() {
  const org = useOrg();
  const navigate = useNavigate();
  const { q } = useShown();
  const { data } = useSuspenseQuery({
    queryKey: ["applications-all", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listApplications, { query: { limit: 1_000 }, signal }),
  });
  const application = data.items.find(({ id }) => id === q) ?? data.items[0];
  const choose = (
    <NativeSelect
      label={words.access.application}
      value={application?.id ?? ""}
      data={data.items.map(({ id, name }) => ({ value: id, label: name }))}
      onChange={({ currentTarget }) =>
        void navigate({ to: paths.customers, params: { org: org.id }, search: { q: currentTarget.value } })
      }
    />
  );
  if (!application) {
    return (
      <AccessFrame lead={own.lead} actions={null}>
        <Empty>{own.noApplication}</Empty>
      </AccessFrame>
    );
  }
  return <CustomersOf key={application.id} application={application} choose={choose} />;
}

function CustomersOf({ application, choose }: { readonly application: Application; readonly choose: React.ReactNode }) {
  const can = useCan();
  const [isInviting, inviting] = useDisclosure(false);
  const why = can("applicationUser.manage") ? undefined : words.common.notAllowed("applicationUser.manage");
  return (
    <AccessFrame
      lead={own.lead}
      actions={
        <Press why={why} onClick={inviting.open}>
          {own.invite}
        </Press>
      }
    >
      <Group align="flex-end" gap="md">
        {choose}
        <SignUp application={application} />
      </Group>
      <Users application={application} why={why} />
      <CustomerCode application={application.id} user={undefined} opened={isInviting} close={inviting.close} />
    </AccessFrame>
  );
}

/** Who may sign up without being invited. It holds as soon as it is chosen. */
function SignUp({ application }: { readonly application: Application }) {
  const org = useOrg();
  const can = useCan();
  const change = useAct((signUp: (typeof signUps)[number]) =>
    apiFor(org.id).call(routes.updateApplication, {
      params: { application: application.id },
      body: { signUp },
      ifVersion: application.version,
    }),
  );
  return (
    <Stack gap="xs">
      <NativeSelect
        label={own.signUp}
        disabled={!can("application.update") || change.isPending}
        value={application.signUp}
        data={signUps.map((value) => ({ value, label: own.signUps[value] }))}
        onChange={({ currentTarget }) => {
          const chosen = signUps.find((one) => one === currentTarget.value);
          if (chosen) change.mutate(chosen);
        }}
      />
      {change.error && <ProblemNotice error={change.error} />}
    </Stack>
  );
}

type Doing = { readonly what: "remove" | "erase" | "reset" | "devices" | "signIns"; readonly user: User };

function Users({ application, why }: { readonly application: Application; readonly why: string | undefined }) {
  const org = useOrg();
  const can = useCan();
  const api = apiFor(org.id);
  const [doing, setDoing] = useState<Doing | undefined>(undefined);
  const done = () => setDoing(undefined);
  const list = useList(["customers", org.id, application.id], (cursor, signal) =>
    api.call(routes.listUsers, { params: { application: application.id }, query: { cursor, limit: 200 }, signal }),
  );
  const paramsOf = (user: User) => ({ application: application.id, user: user.id });
  const turn = useAct((user: User) =>
    api.call(user.state === "active" ? routes.suspendUser : routes.activateUser, { params: paramsOf(user) }),
  );
  const button = (
    label: string,
    user: User,
    act: () => void,
    danger: "" | "applicationUser.manage" | "applicationUser.erase" = "",
  ) => (
    <RowPress
      ends={danger !== ""}
      why={danger && !can(danger) ? words.common.notAllowed(danger) : why}
      onClick={act}
      aria-label={`${label} ${user.login}`}
    >
      {label}
    </RowPress>
  );
  /** Who may see the customers may see this, too. */
  const look = (label: string, user: User, what: Doing["what"]) => (
    <Button
      size="compact-xs"
      variant="default"
      onClick={() => setDoing({ what, user })}
      aria-label={`${label} ${user.login}`}
    >
      {label}
    </Button>
  );
  const columns = columnsOf<User>([
    { id: "login", head: own.login, width: 200, grows: true, cell: ({ login }) => <span title={login}>{login}</span> },
    { id: "state", head: words.common.state, width: 105, cell: ({ state }) => <StateMark state={state} /> },
    { id: "devices", head: own.devices, width: 90, cell: (user) => look(own.devices, user, "devices") },
    { id: "signIns", head: own.signIns, width: 95, cell: (user) => look(own.signIns, user, "signIns") },
    {
      id: "turn",
      head: own.mayEnter,
      width: 110,
      cell: (user) => button(user.state === "active" ? own.suspend : own.activate, user, () => turn.mutate(user)),
    },
    {
      id: "reset",
      head: own.reset,
      width: 140,
      cell: (user) => button(own.reset, user, () => setDoing({ what: "reset", user })),
    },
    {
      id: "remove",
      head: own.remove,
      width: 95,
      cell: (user) => button(own.remove, user, () => setDoing({ what: "remove", user }), "applicationUser.manage"),
    },
    {
      id: "erase",
      head: own.erase,
      width: 125,
      cell: (user) => button(own.erase, user, () => setDoing({ what: "erase", user }), "applicationUser.erase"),
    },
    { id: "created", head: words.common.created, width: 105, cell: ({ createdAt }) => <Moment at={createdAt} /> },
    { id: "id", head: words.common.id, width: 276, cell: ({ id }) => <EntityId id={id} /> },
  ]);
  return (
    <>
      {turn.error && <ProblemNotice error={turn.error} />}
      <Listing list={list} empty={<Empty>{own.empty}</Empty>}>
        <DataTable label={own.title} {...list} columns={columns} idOf={({ id }) => id} nameOf={({ login }) => login} />
      </Listing>
      <CustomerCode application={application.id} user={doing?.user} opened={doing?.what === "reset"} close={done} />
      {doing?.what === "devices" && <CustomerDevices user={doing.user} close={done} />}
      {doing?.what === "signIns" && <CustomerSignIns user={doing.user} why={why} close={done} />}
      <Confirm
        opened={doing?.what === "erase"}
        close={done}
        title={own.erase}
        label={own.erase}
        name={doing?.user.login ?? ""}
        act={async () => {
          if (doing) await api.call(routes.eraseUserReadings, { params: paramsOf(doing.user) });
          await queryClient.invalidateQueries();
        }}
      >
        <Text fz="sm">{own.eraseHint}</Text>
      </Confirm>
      <Confirm
        opened={doing?.what === "remove"}
        close={done}
        title={own.remove}
        label={own.remove}
        name={doing?.user.login ?? ""}
        act={async () => {
          if (doing) await api.call(routes.removeUser, { params: paramsOf(doing.user) });
          await queryClient.invalidateQueries();
        }}
      >
        <Text fz="sm">{own.removeHint}</Text>
      </Confirm>
    </>
  );
}
