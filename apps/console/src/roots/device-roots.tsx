import { NativeSelect, SegmentedControl, Group, Text, Title } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { rootTrust, routes } from "@holdfast/protocol";
import { Link, useNavigate } from "@tanstack/react-router";
import { apiFor, useList } from "../api/index.ts";
import { columnsOf, DataTable, Empty, Listing, Moment, Page, paths, useShown } from "../kit/index.ts";
import { DevicesTabs } from "../groups/index.ts";
import { useAdministered, useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { isNotOurs, NotOurs } from "./not-ours.tsx";
import { Stages, useStages } from "./stages.tsx";

type Left = Reply<typeof routes.listDeviceRoots>["items"][number];
const own = words.roots;
const steps = ["coming", "spare"] as const;

/** Which roots devices have to trust, and which devices of the organisation a switch would cut off. */
export function DeviceRoots() {
  const org = useOrg();
  const can = useCan();
  const administered = useAdministered();
  return (
    <Page title={words.places.devices} lead={own.lead}>
      <DevicesTabs />
      <Stages org={org.id} />
      {can("device.read") ? <Report /> : <Text fz="sm">{words.common.notAllowed("device.read")}</Text>}
      {administered !== undefined && (
        <p>
          <Link to={paths.instanceRoots}>{own.toInstance}</Link>
        </p>
      )}
    </Page>
  );
}

function Report() {
  const org = useOrg();
  const navigate = useNavigate();
  const { view, q } = useShown();
  const to = steps.find((step) => step === view) ?? "coming";
  const trust = rootTrust.find((one) => one === q);
  const { data: stages } = useStages(org.id);
  const show = (next: { readonly to?: string; readonly trust?: string | undefined }) => {
    const { to: step = to, trust: wanted } = { trust, ...next };
    void navigate({ to: ".", search: { ...(step === "spare" && { view: step }), ...(wanted && { q: wanted }) } });
  };
  const list = useList(["device-roots", org.id, to, trust], (cursor, signal) =>
    apiFor(org.id).call(routes.listDeviceRoots, { query: { cursor, to, trust, limit: 200 }, signal }),
  );
  if (isNotOurs(list.error)) return <NotOurs error={list.error} />;
  const stageOf = new Map(stages?.certificates.map(({ sha256, state }) => [sha256, state]));
  const columns = columnsOf<Left>([
    {
      id: "device",
      head: own.device,
      width: 180,
      grows: true,
      cell: ({ device, name }) => (
        <Link to={paths.device} params={{ org: org.id, device }}>
          {name}
        </Link>
      ),
    },
    { id: "trust", head: own.isTrusted, width: 170, cell: ({ trust: its }) => <TrustMark trust={its} /> },
    { id: "has", head: own.has, width: 170, grows: true, cell: ({ roots = [] }) => hasIn(roots, stageOf) },
    {
      id: "said",
      head: own.said,
      width: 120,
      cell: ({ saidAt }) => (saidAt === undefined ? words.common.never : <Moment at={saidAt} />),
    },
  ]);
  return (
    <>
      <Title order={2} fz="lg">
        {own.report}
      </Title>
      <Text fz="sm" c="var(--hf-dim)">
        {own.reportHint}
      </Text>
      <Group align="flex-end" gap="sm">
        <div>
          <Text fz="sm" fw={600}>
            {own.to}
          </Text>
          <SegmentedControl
            aria-label={own.to}
            value={to}
            data={steps.map((step) => ({ value: step, label: own.steps[step] }))}
            onChange={(step) => show({ to: step })}
          />
        </div>
        <NativeSelect
          label={own.show}
          value={trust ?? ""}
          data={[{ value: "", label: own.any }, ...rootTrust.map((one) => ({ value: one, label: own.trusts[one] }))]}
          onChange={({ currentTarget: { value } }) => show({ trust: value === "" ? undefined : value })}
        />
      </Group>
      <Listing list={list} empty={<Empty>{trust === undefined ? own.allReady : own.noneSo}</Empty>}>
        <DataTable
          label={own.report}
          {...list}
          columns={columns}
          idOf={({ device }) => device}
          nameOf={({ name }) => name}
          height="50dvh"
        />
      </Listing>
    </>
  );
}

/** A shape and a word, as everywhere. */
const TrustMark = ({ trust }: { readonly trust: Left["trust"] }) => (
  <span className={trust === "behind" ? "hf-state hf-cross hf-bad" : "hf-state hf-ring hf-warn"}>
    {own.trusts[trust]}
  </span>
);

/** By their stages, and how many it trusts that are none of ours. */
function hasIn(roots: readonly string[], stageOf: ReadonlyMap<string, keyof typeof own.stages>): string {
  const known = roots.flatMap((sha256) => stageOf.get(sha256) ?? []);
  const others = roots.length - known.length;
  return [...known, ...(others > 0 ? [own.others(others)] : [])].join(", ");
}
