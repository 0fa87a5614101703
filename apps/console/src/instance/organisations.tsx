import { Button, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
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
  ProblemNotice,
  StateMark,
} from "../kit/index.ts";
import { words } from "../words/index.ts";
import { CreateOrganisation } from "./create-organisation.tsx";
import { GivePlan } from "./give-plan.tsx";

type Outside = Reply<typeof routes.listOrganisations>["items"][number];
type Doing = { readonly what: "suspend" | "delete" | "confirm" | "plan"; readonly org: Outside };
const own = words.instance;

/** Organisations as whoever administers the instance sees them, from outside. `by`: the one that she does that in. */
export function Organisations({ by }: { readonly by: string }) {
  const api = apiFor(by);
  const [isCreating, creating] = useDisclosure(false);
  const [doing, setDoing] = useState<Doing | undefined>(undefined);
  const done = () => setDoing(undefined);
  const list = useList(["instance", "organisations"], (cursor, signal) =>
    api.call(routes.listOrganisations, { query: { cursor, limit: 200 }, signal }),
  );
  const goOn = useAct(({ id, state }: Outside) =>
    api.call(state === "suspended" ? routes.resumeOrganisation : routes.keepOrganisation, { params: { org: id } }),
  );
  const button = (label: string, { id }: Outside, act: () => void, isDanger = false) => (
    <Button
      size="compact-xs"
      variant={isDanger ? "outline" : "default"}
      {...(isDanger && { color: "red" })}
      onClick={act}
      aria-label={`${label} ${id}`}
    >
      {label}
    </Button>
  );
  const columns = columnsOf<Outside>([
    { id: "id", head: words.common.id, width: 290, cell: ({ id }) => <EntityId id={id} /> },
    { id: "state", head: words.common.state, width: 165, cell: ({ state }) => <StateMark state={state} /> },
    { id: "ends", head: own.ends, width: 90, cell: ({ endsAt }) => endsAt !== undefined && <Moment at={endsAt} /> },
    { id: "people", head: own.people, width: 80, cell: ({ people }) => people },
    { id: "devices", head: own.devices, width: 90, cell: ({ devices }) => devices },
    {
      id: "plan",
      head: own.plan,
      width: 130,
      grows: true,
      cell: (org) => (
        <Group gap={6} wrap="nowrap" display="inline-flex">
          {button(words.people.change, org, () => setDoing({ what: "plan", org }))}
          <span>{org.plan ?? own.noPlan}</span>
        </Group>
      ),
    },
    { id: "made", head: own.made, width: 110, cell: ({ createdAt }) => <Moment at={createdAt} /> },
    {
      id: "doing",
      head: own.doing,
      width: 222,
      cell: (org) => (
        <Group gap={4} wrap="nowrap" display="inline-flex">
          {org.state === "suspended"
            ? button(own.resume, org, () => goOn.mutate(org))
            : button(own.suspend, org, () => setDoing({ what: "suspend", org }))}
          {org.state === "unconfirmed" && button(own.confirm, org, () => setDoing({ what: "confirm", org }))}
          {org.state === "ending"
            ? button(own.keep, org, () => goOn.mutate(org))
            : org.endsAt === undefined && button(own.delete, org, () => setDoing({ what: "delete", org }), true)}
        </Group>
      ),
    },
  ]);
  const act = doing?.what === "suspend" ? routes.suspendOrganisation : routes.deleteOrganisation;
  return (
    <>
      <Group justify="space-between" align="flex-start" gap="sm">
        <Text fz="sm" c="var(--hf-dim)" maw={720}>
          {own.lead}
        </Text>
        <Button onClick={creating.open}>{own.create}</Button>
      </Group>
      {goOn.error && <ProblemNotice error={goOn.error} />}
      <Listing list={list} empty={<Empty>{own.noOrganisations}</Empty>}>
        <DataTable
          label={own.organisations}
          {...list}
          columns={columns}
          idOf={({ id }) => id}
          nameOf={({ id }) => id}
        />
      </Listing>
      <CreateOrganisation by={by} opened={isCreating} close={creating.close} />
      {doing?.what === "plan" && <GivePlan by={by} org={doing.org} close={done} />}
      <Confirm
        opened={doing?.what === "confirm"}
        close={done}
        title={own.confirm}
        label={own.confirm}
        name={doing?.org.id ?? ""}
        act={async () => {
          await api.call(routes.confirmOrganisation, { params: { org: doing?.org.id ?? "" } });
          await queryClient.invalidateQueries();
        }}
      >
        <Text fz="sm">{own.confirmHint}</Text>
      </Confirm>
      <Confirm
        opened={doing?.what === "suspend" || doing?.what === "delete"}
        close={done}
        title={doing?.what === "suspend" ? own.suspend : own.delete}
        label={doing?.what === "suspend" ? own.suspend : own.delete}
        name={doing?.org.id ?? ""}
        act={async () => {
          await api.call<typeof routes.suspendOrganisation | typeof routes.deleteOrganisation>(act, {
            params: { org: doing?.org.id ?? "" },
          });
          await queryClient.invalidateQueries();
        }}
      >
        <Text fz="sm">{doing?.what === "suspend" ? own.suspendHint : own.deleteHint}</Text>
      </Confirm>
    </>
  );
}
