import { Button, Code, Group, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useNavigate } from "@tanstack/react-router";
import { apiFor, useList } from "../api/index.ts";
import { columnsOf, DataTable, Empty, EntityId, Listing, Moment, Page, useShown } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { entryWord, words } from "../words/index.ts";

type Row = Reply<typeof routes.listAudit>["items"][number];
const own = words.audit;

const columns = columnsOf<Row>([
  { id: "time", head: own.time, width: 210, cell: ({ time }) => <Moment at={time} exactly /> },
  { id: "what", head: own.what, width: 250, cell: ({ what }) => <span title={what}>{entryWord(what)}</span> },
  { id: "about", head: own.about, width: 276, cell: ({ about }) => <EntityId id={about} /> },
  { id: "by", head: own.by, width: 276, cell: ({ by, person }) => <EntityId id={person ?? by} /> },
  { id: "facts", head: own.facts, width: 240, grows: true, cell: ({ facts }) => <Facts facts={facts} /> },
]);

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

/** What happened, newest first; about one thing, when its id is given. */
export function Audit() {
  const org = useOrg();
  const navigate = useNavigate();
  const { q } = useShown();
  const form = useForm({ initialValues: { about: q ?? "" } });
  const list = useList(["audit", org.id, q], (cursor, signal) =>
    apiFor(org.id).call(routes.listAudit, { query: { cursor, about: q, limit: 200 }, signal }),
  );
  const show = (about: string) => void navigate({ to: ".", search: about === "" ? {} : { q: about } });
  return (
    <Page title={words.places.audit} lead={own.lead}>
      <form onSubmit={form.onSubmit(({ about }) => show(about.trim()))}>
        <Group gap="xs" align="flex-end">
          <TextInput label={own.onlyAbout} placeholder="dev_…" w={320} {...form.getInputProps("about")} />
          <Button type="submit" variant="default">
            {own.show}
          </Button>
          {q !== undefined && (
            <Button
              variant="subtle"
              onClick={() => {
                form.setValues({ about: "" });
                show("");
              }}
            >
              {own.showAll}
            </Button>
          )}
        </Group>
      </form>
      <Listing list={list} empty={<Empty>{own.empty}</Empty>}>
        <DataTable
          label={words.places.audit}
          {...list}
          columns={columns}
          idOf={({ id }) => id}
          nameOf={({ what, about }) => `${what} ${about}`}
        />
      </Listing>
    </Page>
  );
}
