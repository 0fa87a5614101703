import { Button, Group, Text } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, everyPage, queryClient, useList } from "../api/index.ts";
import { columnsOf, Confirm, DataTable, Empty, EntityId, Listing, Moment, RowPress } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { BeginReset, FactorResets } from "./factor-resets.tsx";

type Known = Reply<typeof routes.listPeople>["items"][number];
const own = words.instancePeople;

/** Everybody with an account, and who of them administers the instance. `by`: the organisation in which that is done. */
export function People({ by }: { readonly by: string }) {
  const api = apiFor(by);
  const [doing, setDoing] = useState<Known | undefined>(undefined);
  const [lost, setLost] = useState<Known | undefined>(undefined);
  const list = useList(["instance", "people"], (cursor, signal) =>
    api.call(routes.listPeople, { query: { cursor, limit: 200 }, signal }),
  );
  const members = useQuery({
    queryKey: ["members", by, "ids"],
    queryFn: async ({ signal }) => {
      const all = await everyPage((cursor) =>
        api.call(routes.listMembers, { query: { cursor, limit: 1_000 }, signal }),
      );
      return new Set(all.map(({ person }) => person));
    },
  });
  const whyNot = ({ id, administrator }: Known) =>
    administrator || members.data?.has(id) !== false ? undefined : own.notMember;
  const columns = columnsOf<Known>([
    { id: "email", head: own.email, width: 220, grows: true, cell: ({ email }) => <span title={email}>{email}</span> },
    {
      id: "factors",
      head: own.factors,
      width: 190,
      cell: (person) => (
        <Group gap={6} wrap="nowrap">
          {(person.factors.totp || person.factors.passkey) && (
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => setLost(person)}
              aria-label={`${words.factorReset.lost}: ${person.email}`}
            >
              {words.factorReset.lost}
            </Button>
          )}
          <span>
            {(["totp", "passkey"] as const)
              .filter((one) => person.factors[one])
              .map((one) => own.factor[one])
              .join(", ") || own.noFactor}
          </span>
        </Group>
      ),
    },
    { id: "organisations", head: own.organisations, width: 110, cell: ({ organisations }) => organisations },
    {
      id: "administers",
      head: own.administers,
      width: 250,
      cell: (person) => (
        <>
          <RowPress
            ends={person.administrator}
            why={whyNot(person)}
            onClick={() => setDoing(person)}
            aria-label={`${person.administrator ? own.unmake : own.make} ${person.email}`}
          >
            {person.administrator ? own.unmake : own.make}
          </RowPress>
          {person.administrator && <span> {own.administrator}</span>}
        </>
      ),
    },
    { id: "since", head: own.since, width: 110, cell: ({ createdAt }) => <Moment at={createdAt} /> },
    { id: "id", head: words.common.id, width: 276, cell: ({ id }) => <EntityId id={id} /> },
  ]);
  return (
    <>
      <Text fz="sm" c="var(--hf-dim)" maw={720}>
        {own.lead}
      </Text>
      <FactorResets by={by} />
      <Listing list={list} empty={<Empty>{own.nobody}</Empty>}>
        <DataTable
          label={own.label}
          {...list}
          columns={columns}
          idOf={({ id }) => id}
          nameOf={({ email }) => email}
          height="50dvh"
        />
      </Listing>
      <BeginReset by={by} who={lost} close={() => setLost(undefined)} />
      <Confirm
        opened={doing !== undefined}
        close={() => setDoing(undefined)}
        title={doing?.administrator ? own.unmake : own.make}
        label={doing?.administrator ? own.unmake : own.make}
        name={doing?.email ?? ""}
        act={async () => {
          const params = { person: doing?.id ?? "" };
          if (doing?.administrator) await api.call(routes.unmakeAdministrator, { params });
          else await api.call(routes.makeAdministrator, { params });
          await queryClient.invalidateQueries();
        }}
      >
        <Text fz="sm">{doing?.administrator ? own.unmakeHint : own.makeHint}</Text>
      </Confirm>
    </>
  );
}
