import { Stack, Text, Textarea, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor, useAct } from "../api/index.ts";
import { Empty, EntityId, Moment, ProblemNotice, SaveChanges, Scroll } from "../kit/index.ts";
import { useCan, useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { DeviceFrame, useDevice } from "./frame.tsx";
import { documentIn, patchBetween } from "./patch.ts";

type Twin = Reply<typeof routes.readTwin>;
const own = words.twin;
/** Documents of JSON may be long. */
const wraps = { whiteSpace: "normal", overflowWrap: "anywhere", minWidth: 160 } as const;
const everySeconds = 2_000; // the device takes over what is wanted by itself

/** What is wanted of a device beside what it says of itself. */
export function DeviceTwin() {
  const device = useDevice();
  const org = useOrg();
  const { data, error } = useQuery({
    queryKey: ["twin", org.id, device.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readTwin, { params: { device: device.id }, signal }),
    refetchInterval: everySeconds,
  });
  return (
    <DeviceFrame device={device}>
      {error && !data && <ProblemNotice error={error} />}
      {data && (
        <Stack gap="xl">
          <Sides twin={data} />
          {device.state !== "retired" && <Change key={data.version} device={device.id} twin={data} />}
          <History device={device.id} of={`${data.version} ${data.reportedVersion}`} />
        </Stack>
      )}
    </DeviceFrame>
  );
}

type SideProps = { readonly name: string; readonly version: number; readonly at: string | undefined };

function Side({ name, version, at }: SideProps) {
  return (
    <th scope="col">
      {name} ({own.since(version)}
      {at !== undefined && (
        <>
          , <Moment at={at} />
        </>
      )}
      )
    </th>
  );
}

function Sides({ twin }: { readonly twin: Twin }) {
  const { desired, reported, difference } = twin;
  const names = [...new Set([...Object.keys(desired), ...Object.keys(reported)])].toSorted();
  const text = (value: unknown) => (value === undefined ? "" : JSON.stringify(value));
  return (
    <Stack gap="sm">
      <Title order={2} fz="lg">
        {own.title}
      </Title>
      <Text fz="sm" c="var(--hf-dim)">
        {own.lead}
      </Text>
      {names.length === 0 && <Empty>{own.empty}</Empty>}
      {names.length > 0 && (
        <Scroll label={own.title}>
          <table className="hf-table">
            <caption className="hf-visually-hidden">{own.title}</caption>
            <thead>
              <tr>
                <th scope="col">{own.field}</th>
                <Side name={own.desired} version={twin.version} at={twin.desiredAt} />
                <Side name={own.reported} version={twin.reportedVersion} at={twin.reportedAt} />
                <th scope="col">{own.state}</th>
              </tr>
            </thead>
            <tbody>
              {names.map((name) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td style={wraps}>{text(desired[name])}</td>
                  <td style={wraps}>{text(reported[name])}</td>
                  <td>
                    {Object.hasOwn(difference, name) ? (
                      <span className="hf-state hf-ring hf-warn">{own.differs}</span>
                    ) : Object.hasOwn(desired, name) ? (
                      <span className="hf-state hf-disc hf-good">{own.same}</span>
                    ) : (
                      own.notWanted
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Stack>
  );
}

/** As a whole, because that is how it is thought of; what goes out is what changed in it. */
function Change({ device, twin }: { readonly device: string; readonly twin: Twin }) {
  const api = apiFor(useOrg().id);
  const can = useCan();
  const form = useForm({
    initialValues: { desired: JSON.stringify(twin.desired, null, 2) },
    validate: { desired: (text) => (documentIn(text) ? null : own.notObject) },
  });
  useKept(form, "twin");
  const change = useAct(async (text: string) => {
    const desired = { ...patchBetween(twin.desired, documentIn(text) ?? twin.desired) };
    await api.call(routes.updateTwin, { params: { device }, body: { desired }, ifVersion: twin.version });
    form.resetDirty();
  });
  const why = can("twin.update") ? undefined : words.common.notAllowed("twin.update");
  return (
    <form onSubmit={form.onSubmit(({ desired }) => change.mutate(desired))}>
      <Stack gap="sm" maw={640}>
        <Textarea
          label={own.change}
          description={own.changeHint}
          autosize
          minRows={4}
          maxRows={24}
          spellCheck={false}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          {...form.getInputProps("desired")}
        />
        <SaveChanges why={why} isDirty={form.isDirty()} change={change} />
      </Stack>
    </form>
  );
}

function History({ device, of }: { readonly device: string; readonly of: string }) {
  const org = useOrg();
  const { data, error } = useQuery({
    queryKey: ["twin-changes", org.id, device, of],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listTwinChanges, { params: { device }, signal }),
    placeholderData: (before) => before,
  });
  return (
    <Stack gap="sm">
      <Title order={2} fz="lg">
        {own.history}
      </Title>
      {error && !data && <ProblemNotice error={error} />}
      {data?.items.length === 0 && <Empty>{own.noHistory}</Empty>}
      {data && data.items.length > 0 && (
        <Scroll label={own.history}>
          <table className="hf-table">
            <caption className="hf-visually-hidden">{own.history}</caption>
            <thead>
              <tr>
                <th scope="col">{own.at}</th>
                <th scope="col">{own.side}</th>
                <th scope="col">{own.what}</th>
                <th scope="col">{own.by}</th>
              </tr>
            </thead>
            <tbody>
              {data.items.map(({ side, version, at, by, patch }) => (
                <tr key={`${side} ${version}`}>
                  <td>
                    <Moment at={at} />
                  </td>
                  <td>
                    {own.sides[side]}, {own.since(version)}
                  </td>
                  <td style={wraps}>{JSON.stringify(patch)}</td>
                  <td>
                    <EntityId id={by} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Stack>
  );
}
