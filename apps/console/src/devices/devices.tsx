import { Button, Group, NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState, type ReactNode } from "react";
import { apiFor } from "../api/index.ts";
import {
  columnsOf,
  DataTable,
  Empty,
  EntityId,
  Listing,
  Moment,
  Page,
  paths,
  pathTo,
  PlainLink,
  Press,
  ProblemNotice,
  Slow,
  StateMark,
  useShown,
} from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Bulk } from "./bulk.tsx";
import { exportDevices } from "./export.ts";
import { clauseOf, parseFilter, parseOrder, withClause, type Filter, type Order } from "./filter.ts";
import { useDevices } from "./use-devices.ts";

export type Device = Reply<typeof routes.listDevices>["items"][number];
const own = words.devices;

/** Every device: found by typing or by clicks, followed live, changed by the dozen. */
export function Devices() {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const { q: text = "", sort } = useShown();
  const order = parseOrder(sort);
  const filter = useMemo(() => parseFilter(text), [text]);
  const show = (next: string) =>
    void navigate({
      to: ".",
      replace: true,
      search: { ...(next !== "" && { q: next }), ...(sort !== undefined && { sort }) },
    });
  const download = useMutation({ mutationFn: () => exportDevices(org.id, filter, order) });
  const whyNot = can("device.create") ? undefined : words.common.notAllowed("device.create");
  const add = (
    <Press why={whyNot} onClick={() => void navigate({ to: paths.addDevice, params: { org: org.id } })}>
      {own.add}
    </Press>
  );
  const clear = (
    <Button variant="default" onClick={() => show("")}>
      {own.clearFilter}
    </Button>
  );
  return (
    <Page
      title={words.places.devices}
      actions={
        <>
          <Button variant="default" loading={download.isPending} onClick={() => download.mutate()}>
            {own.exportCsv}
          </Button>
          <Press
            variant="default"
            why={whyNot}
            onClick={() => void navigate({ to: paths.importDevices, params: { org: org.id } })}
          >
            {own.importCsv}
          </Press>
          {add}
        </>
      }
    >
      {download.error && <ProblemNotice error={download.error} />}
      <Filters text={text} show={show} />
      <Found
        filter={filter}
        order={order}
        empty={text === "" ? <Empty next={add}>{own.empty}</Empty> : <Empty next={clear}>{own.noneFound}</Empty>}
      />
    </Page>
  );
}

/** What the filter finds. Apart from the rest of the page, which is not drawn again whenever more of them come. */
function Found({
  filter,
  order,
  empty,
}: {
  readonly filter: Filter;
  readonly order: Order | undefined;
  readonly empty: ReactNode;
}) {
  const org = useOrg();
  const navigate = useNavigate();
  const { q } = useShown();
  const list = useDevices(org.id, filter, order);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const columns = useMemo(() => columnsIn(org.id), [org.id]);
  return (
    <>
      <Bulk devices={list.rows.filter(({ id }) => selected.has(id))} done={() => setSelected(new Set())} />
      {list.isOld && <Slow />}
      <Listing list={list} empty={empty}>
        <DataTable
          label={words.places.devices}
          {...list}
          columns={columns}
          idOf={idOf}
          nameOf={nameOf}
          selection={{ selected, change: setSelected }}
          sorting={{
            now: order === undefined ? undefined : { by: order.replace("-", ""), isDescending: order.startsWith("-") },
            change: ({ by, isDescending }) =>
              void navigate({
                to: ".",
                replace: true,
                search: { ...(q !== undefined && { q }), sort: `${isDescending ? "-" : ""}${by}` },
              }),
          }}
        />
      </Listing>
    </>
  );
}

const idOf = ({ id }: Device) => id;
const nameOf = ({ name }: Device) => name;

const columnsIn = (org: string) =>
  columnsOf<Device>([
    {
      id: "name",
      head: words.common.name,
      width: 150,
      grows: true,
      sort: "name",
      // Before the name, which may be cut.
      cell: ({ id, name, findings }) => (
        <>
          {findings.map((finding) => (
            <span key={finding} className="hf-warn" title={words.device.findings[finding].title}>
              {`${words.device.findingMarks[finding]}: `}
            </span>
          ))}
          <PlainLink href={pathTo("device", { org, device: id })}>{name}</PlainLink>
        </>
      ),
    },
    { id: "presence", head: own.presence, width: 104, cell: (device) => <StateMark state={markOf(device)} /> },
    {
      id: "seen",
      head: own.lastSeen,
      width: 104,
      sort: "lastSeenAt",
      cell: ({ presence: { lastSeenAt } }) =>
        lastSeenAt === undefined ? words.common.never : <Moment at={lastSeenAt} />,
    },
    { id: "tags", head: own.tags, width: 144, grows: true, cell: ({ tags }) => tagsText(tags) },
    { id: "alias", head: own.alias, width: 84, grows: true, cell: ({ alias }) => alias ?? "" },
    {
      id: "created",
      head: words.common.created,
      width: 96,
      sort: "createdAt",
      cell: ({ createdAt }) => <Moment at={createdAt} />,
    },
    { id: "id", head: words.common.id, width: 276, cell: ({ id }) => <EntityId id={id} /> },
  ]);

/** What a device is, before where it is: a suspended one is not just offline. */
const markOf = ({ state, presence }: Device) =>
  state !== "active" ? state : presence.state === "online" ? "online" : "offline";

const tagsText = (tags: Device["tags"]): string =>
  Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");

function Filters({ text, show }: { readonly text: string; readonly show: (text: string) => void }) {
  const org = useOrg();
  const [typed, setTyped] = useState(text);
  const [shown, setShown] = useState(text);
  // Clicks and links change it from outside.
  if (shown !== text) {
    setShown(text);
    setTyped(text);
  }
  const showSoon = useDebouncedCallback(show, 250);
  const { data: products } = useQuery({
    queryKey: ["products-all", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listProducts, { query: { limit: 1_000 }, signal }),
  });
  const choose = (name: string, value: string) => show(withClause(text, name, value === "" ? undefined : value));
  return (
    <Group gap="xs" align="flex-end">
      <TextInput
        label={own.filter}
        placeholder={own.filterExample}
        flex={1}
        miw={220}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          showSoon(event.currentTarget.value);
        }}
      />
      <NativeSelect
        label={words.common.state}
        value={clauseOf(text, "status") ?? ""}
        data={[
          { value: "", label: own.anyState },
          ...(["online", "offline", "active", "suspended", "retired"] as const).map((state) => ({
            value: state,
            label: words.state[state],
          })),
        ]}
        onChange={(event) => choose("status", event.currentTarget.value)}
      />
      {products && products.items.length > 0 && (
        <NativeSelect
          label={own.product}
          value={clauseOf(text, "product") ?? ""}
          data={[
            { value: "", label: own.anyProduct },
            ...products.items.map(({ id, name }) => ({ value: id, label: name })),
          ]}
          onChange={(event) => choose("product", event.currentTarget.value)}
        />
      )}
    </Group>
  );
}
