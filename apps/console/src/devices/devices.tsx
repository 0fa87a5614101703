import { Button, Group, SegmentedControl } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { useDisclosure } from "@mantine/hooks";
import type { routes } from "@holdfast/protocol";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useMemo, useState, type ReactNode } from "react";
import { DevicesTabs } from "../groups/index.ts";
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
import { markOf } from "../naming/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Bulk } from "./bulk.tsx";
import { CommandMany } from "./command-many.tsx";
import { exportDevices } from "./export.ts";
import { parseFilter, parseOrder, type Filter, type Order } from "./filter.ts";
import { Filters } from "./filters.tsx";
import { useDevices } from "./use-devices.ts";

export type Device = Reply<typeof routes.listDevices>["items"][number];
const own = words.devices;
// The outline of the land is loaded by whoever looks at it.
const DeviceMap = lazy(async () => ({ default: (await import("./device-map.tsx")).DeviceMap }));

/** Every device: found by typing or by clicks, followed live, changed by the dozen. */
export function Devices() {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const { q: text = "", sort, view } = useShown();
  const order = parseOrder(sort);
  const filter = useMemo(() => parseFilter(text), [text]);
  const [isCommanding, commanding] = useDisclosure(false);
  const isMap = view === "map";
  const show = (next: { readonly q?: string; readonly view?: string }) => {
    const { q = text, view: as = view } = next;
    const search = { ...(q !== "" && { q }), ...(sort !== undefined && { sort }), ...(as === "map" && { view: as }) };
    void navigate({ to: ".", replace: true, search });
  };
  const download = useMutation({ mutationFn: () => exportDevices(org.id, filter, order) });
  const whyNot = can("device.create") ? undefined : words.common.notAllowed("device.create");
  const add = (
    <Press why={whyNot} onClick={() => void navigate({ to: paths.addDevice, params: { org: org.id } })}>
      {own.add}
    </Press>
  );
  const clear = (
    <Button variant="default" onClick={() => show({ q: "" })}>
      {own.clearFilter}
    </Button>
  );
  const empty = text === "" ? <Empty next={add}>{own.empty}</Empty> : <Empty next={clear}>{own.noneFound}</Empty>;
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
            why={can("command.send") ? undefined : words.common.notAllowed("command.send")}
            onClick={commanding.open}
          >
            {own.many.title}
          </Press>
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
      <DevicesTabs />
      <CommandMany opened={isCommanding} close={commanding.close} filter={text} />
      {download.error && <ProblemNotice error={download.error} />}
      <Group gap="xs" align="flex-end">
        <Filters text={text} show={(q) => show({ q })} />
        <SegmentedControl
          aria-label={own.shownAs}
          value={isMap ? "map" : "table"}
          data={[
            { value: "table", label: own.asTable },
            { value: "map", label: own.asMap },
          ]}
          onChange={(next) => show({ view: next })}
        />
      </Group>
      {isMap ? (
        <Suspense fallback={<Slow />}>
          <DeviceMap org={org.id} filter={filter} empty={empty} />
        </Suspense>
      ) : (
        <Found filter={filter} order={order} empty={empty} />
      )}
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
          height="calc(100dvh - 310px)"
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
          {findings.length > 0 && <Weak findings={findings} />}
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

/** How much there is to look at; which that is, is there on hover, and for whoever hears the page. */
function Weak({ findings }: Pick<Device, "findings">) {
  const marks = findings.map((finding) => words.posture.findings[finding].mark).join(", ");
  return (
    <>
      <span className="hf-warn" role="img" aria-label={marks} title={marks}>{`▲${findings.length}`}</span>{" "}
    </>
  );
}

const tagsText = (tags: Device["tags"]): string =>
  Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
