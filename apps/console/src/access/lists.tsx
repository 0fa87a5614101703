import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Text } from "@mantine/core";
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
} from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { AddEntry } from "./add-entry.tsx";
import { AccessFrame } from "./frame.tsx";

type Entry = Reply<typeof routes.readListEntry>;
const own = words.lists;
const everySeconds = 10_000; // hits go up by themselves

/** The allow list and the deny list, and how often each entry decided. */
export function Lists() {
  const can = useCan();
  const [isAdding, adding] = useDisclosure(false);
  const why = can("list.update") ? undefined : words.common.notAllowed("list.update");
  const add = (
    <Press why={why} onClick={adding.open}>
      {own.add}
    </Press>
  );
  return (
    <AccessFrame lead={own.lead} actions={add}>
      {can("list.read") ? <Entries why={why} /> : <Text fz="sm">{words.common.notAllowed("list.read")}</Text>}
      <AddEntry opened={isAdding} close={adding.close} />
    </AccessFrame>
  );
}

function Entries({ why }: { readonly why: string | undefined }) {
  const org = useOrg();
  const list = useList(
    ["lists", org.id],
    (cursor, signal) => apiFor(org.id).call(routes.listEntries, { query: { cursor, limit: 200 }, signal }),
    everySeconds,
  );
  const remove = useAct((entry: string) => apiFor(org.id).call(routes.removeListEntry, { params: { entry } }));
  const columns = columnsOf<Entry>([
    { id: "list", head: own.list, width: 80, cell: (entry) => own.names[entry.list] },
    { id: "what", head: own.what, width: 90, cell: ({ what }) => own.whats[what] },
    { id: "value", head: own.value, width: 200, grows: true, cell: ({ value }) => <span title={value}>{value}</span> },
    {
      id: "comment",
      head: own.comment,
      width: 140,
      grows: true,
      cell: ({ comment }) => <span title={comment}>{comment}</span>,
    },
    { id: "hits", head: own.hits, width: 70, cell: ({ hits }) => String(hits) },
    {
      id: "last",
      head: own.lastHit,
      width: 120,
      cell: ({ lastHitAt }) => (lastHitAt === undefined ? words.common.never : <Moment at={lastHitAt} />),
    },
    {
      id: "expires",
      head: own.expires,
      width: 120,
      cell: ({ expiresAt }) => (expiresAt === undefined ? words.common.never : <Moment at={expiresAt} />),
    },
    {
      id: "remove",
      head: own.remove,
      width: 110,
      cell: ({ id, value }) => (
        <RowPress why={why} onClick={() => remove.mutate(id)} aria-label={`${own.remove} ${value}`}>
          {own.remove}
        </RowPress>
      ),
    },
    {
      id: "author",
      head: own.author,
      width: 276,
      cell: ({ author }) => (author.startsWith("per_") ? <EntityId id={author} /> : author),
    },
    { id: "id", head: words.common.id, width: 276, cell: ({ id }) => <EntityId id={id} /> },
  ]);
  return (
    <>
      {remove.error && <ProblemNotice error={remove.error} />}
      <Listing list={list} empty={<Empty>{own.empty}</Empty>}>
        <DataTable
          label={own.label}
          {...list}
          columns={columns}
          idOf={({ id }) => id}
          nameOf={({ value }) => value}
          height="60dvh"
        />
      </Listing>
    </>
  );
}
