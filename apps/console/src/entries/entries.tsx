import { Code } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { apiFor, useList } from "../api/index.ts";
import { columnsOf, DataTable, Empty, EntityId, Listing, Moment } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { entryWord, words } from "../words/index.ts";

type Row = Reply<typeof routes.listAudit>["items"][number];
const own = words.audit;

const columns = columnsOf<Row>([
  { id: "time", head: own.time, width: 210, cell: ({ time }) => <Moment at={time} exactly /> },
  { id: "what", head: own.what, width: 250, grows: true, cell: ({ what }) => <What what={what} /> },
  { id: "about", head: own.about, width: 276, cell: ({ about }) => <EntityId id={about} /> },
  { id: "by", head: own.by, width: 276, cell: ({ by, person }) => <EntityId id={person ?? by} /> },
  { id: "facts", head: own.facts, width: 240, grows: true, cell: ({ facts }) => <Facts facts={facts} /> },
]);

/** Cut where there is no room; on hover in whole, with the name that programs know it by. */
const What = ({ what }: Pick<Row, "what">) => <span title={`${entryWord(what)} (${what})`}>{entryWord(what)}</span>;

function Facts({ facts }: { readonly facts: Row["facts"] }) {
  if (!facts) return null;
  const text = Object.entries(facts)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" · ");
  return (
    <Code title={text} style={{ background: "none", padding: 0 }}>
      {text}
    </Code>
  );
}

/** The entries of the audit log, newest first; those about one thing, when its id is given. */
export function Entries({ label, about }: { readonly label: string; readonly about: string | undefined }) {
  const org = useOrg();
  const list = useList(["audit", org.id, about], (cursor, signal) =>
    apiFor(org.id).call(routes.listAudit, { query: { cursor, about, limit: 200 }, signal }),
  );
  return (
    <Listing list={list} empty={<Empty>{own.empty}</Empty>}>
      <DataTable
        label={label}
        {...list}
        columns={columns}
        idOf={({ id }) => id}
        nameOf={({ what, about: whom }) => `${what} ${whom}`}
      />
    </Listing>
  );
}
