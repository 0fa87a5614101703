import { Button, Group, Switch, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { isId, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useNavigate } from "@tanstack/react-router";
import { apiFor, useList } from "../api/index.ts";
import { columnsOf, DataTable, Empty, EntityId, Listing, Moment, PlainLink, pathTo, useShown } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { UsageFrame } from "./frame.tsx";

type Session = Reply<typeof routes.listConnections>["items"][number];
const own = words.usage.sessions;

const number = (value: number): string => value.toLocaleString("en");

/** An id narrows to what it is of; of anything else there are no sessions. */
function narrowTo(text: string): { device?: Id<"device">; application?: Id<"application">; credential?: string } {
  if (isId("application", text)) return { application: text };
  return isId("device", text) ? { device: text } : { credential: text };
}

/** A later platform may name one that this page does not know. */
const causeIn = (cause: string | undefined): string =>
  new Map<string | undefined, string>(Object.entries(own.causes)).get(cause) ?? cause ?? "";

/** Who was connected, open sessions among them, newest first. */
export function Sessions() {
  const org = useOrg();
  const navigate = useNavigate();
  const { q, open } = useShown();
  const isOpen = open === "true";
  const form = useForm({ initialValues: { q: q ?? "" } });
  const list = useList(
    ["sessions", org.id, q, isOpen],
    (cursor, signal) =>
      apiFor(org.id).call(routes.listConnections, {
        query: {
          cursor,
          limit: 200,
          ...(q !== undefined && narrowTo(q)),
          ...(isOpen && { open: "true" as const }),
        },
        signal,
      }),
    10_000,
  );
  const show = (next: { q?: string; open?: string }) => void navigate({ to: ".", search: next });
  const kept = { ...(q !== undefined && { q }), ...(isOpen && { open: "true" }) };
  const columns = columnsOf<Session>([
    { id: "began", head: own.began, width: 110, cell: ({ beganAt }) => <Moment at={beganAt} /> },
    {
      id: "ended",
      head: own.ended,
      width: 110,
      cell: ({ endedAt }) => (endedAt === undefined ? own.isOpen : <Moment at={endedAt} />),
    },
    { id: "cause", head: own.cause, width: 180, grows: true, cell: ({ cause }) => causeIn(cause) },
    { id: "over", head: own.over, width: 130, cell: ({ over, transport }) => `${own.ways[over]} (${transport})` },
    { id: "address", head: own.address, width: 140, cell: ({ address }) => address },
    {
      id: "who",
      head: own.who,
      width: 310,
      cell: ({ device, credential }) =>
        device === undefined ? (
          credential !== undefined && <EntityId id={credential} />
        ) : (
          <PlainLink href={pathTo("device", { org: org.id, device })}>{device}</PlainLink>
        ),
    },
    { id: "client", head: own.client, width: 120, grows: true, cell: ({ client }) => client ?? "" },
    {
      id: "messages",
      head: own.messages,
      width: 120,
      cell: ({ messagesIn, messagesOut }) => own.bothWays(number(messagesIn), number(messagesOut)),
    },
    {
      id: "bytes",
      head: own.bytes,
      width: 150,
      cell: ({ bytesIn, bytesOut }) => own.bothWays(number(bytesIn), number(bytesOut)),
    },
  ]);
  return (
    <UsageFrame>
      <form onSubmit={form.onSubmit(({ q: text }) => show({ ...kept, q: text.trim() }))}>
        <Group gap="xs" align="flex-end">
          <TextInput label={own.onlyOf} placeholder="dev_…" w={320} {...form.getInputProps("q")} />
          <Button type="submit" variant="default">
            {words.audit.show}
          </Button>
          {q !== undefined && (
            <Button
              variant="subtle"
              onClick={() => {
                form.setValues({ q: "" });
                show(isOpen ? { open: "true" } : {});
              }}
            >
              {words.audit.showAll}
            </Button>
          )}
          <Switch
            label={own.onlyOpen}
            checked={isOpen}
            onChange={(event) =>
              show({ ...(q !== undefined && { q }), ...(event.currentTarget.checked && { open: "true" }) })
            }
          />
        </Group>
      </form>
      <Listing list={list} empty={<Empty>{own.empty}</Empty>}>
        <DataTable
          label={own.label}
          {...list}
          columns={columns}
          idOf={({ id }) => id}
          nameOf={({ client, device, credential, beganAt }) => `${client ?? device ?? credential} ${beganAt}`}
        />
      </Listing>
    </UsageFrame>
  );
}
