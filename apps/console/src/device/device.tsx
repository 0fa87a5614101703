import { NativeSelect, Stack, Textarea, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { isId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { apiFor, useAct } from "../api/index.ts";
import {
  Empty,
  Facts,
  intervalFault,
  intervalOf,
  Moment,
  paths,
  ProblemNotice,
  Scroll,
  SaveChanges,
} from "../kit/index.ts";
import { MqttSessions } from "../mqtt-sessions/index.ts";
import { useCan, useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Findings } from "./findings.tsx";
import { DeviceFrame, useDevice, type Device } from "./frame.tsx";
import { Measured } from "./measured.tsx";

const own = words.device;

/** What a device is and how it is now. */
export function DeviceOverview() {
  const device = useDevice();
  return (
    <DeviceFrame device={device}>
      <Findings device={device} on="overview" />
      <Latest device={device} />
      <Facts
        facts={[
          [words.common.created, <Moment key="created" at={device.createdAt} exactly />],
          [
            own.lastSeen,
            device.presence.lastSeenAt === undefined ? (
              words.common.never
            ) : (
              <Moment key="seen" at={device.presence.lastSeenAt} exactly />
            ),
          ],
          ...(device.lastTls === undefined ? [] : [[own.cameOver, wayOf(device.lastTls)] as const]),
          ...(device.suspendedAt === undefined
            ? []
            : ([[own.suspendedAt, <Moment key="suspended" at={device.suspendedAt} exactly />]] as const)),
          ...(device.retiredAt === undefined
            ? []
            : ([[own.retiredAt, <Moment key="retired" at={device.retiredAt} exactly />]] as const)),
        ]}
      />
      {device.state !== "retired" && <MqttSessions device={device.id} />}
      <Change key={device.version} device={device} />
    </DeviceFrame>
  );
}

const wayOf = ({ version, group }: NonNullable<Device["lastTls"]>): string =>
  [version, group].filter(Boolean).join(", ");

function Latest({ device }: { readonly device: Device }) {
  const org = useOrg();
  const { data, error } = useQuery({
    queryKey: ["latest", org.id, device.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readLatest, { params: { device: device.id }, signal }),
    refetchInterval: 5_000,
  });
  // What it knew stays while the platform is away: the page says since when.
  if (error && !data) return <ProblemNotice error={error} />;
  if (!data) return null;
  if (data.items.length === 0) {
    return (
      <Empty
        next={
          <Link to={paths.deviceLive} params={{ org: org.id, device: device.id }}>
            {own.watchLive}
          </Link>
        }
      >
        {own.noReadings}
      </Empty>
    );
  }
  return (
    <Scroll label={own.latest}>
      <table className="hf-table">
        <caption className="hf-visually-hidden">{own.latest}</caption>
        <thead>
          <tr>
            <th scope="col">{own.attribute}</th>
            <th scope="col">{own.value}</th>
            <th scope="col">{own.time}</th>
          </tr>
        </thead>
        <tbody>
          {data.items.map(({ attribute, value, mark, time }) => (
            <tr key={attribute}>
              <td>
                <Link
                  to={paths.deviceTelemetry}
                  params={{ org: org.id, device: device.id }}
                  search={{ attributes: attribute }}
                >
                  {attribute}
                </Link>
              </td>
              <td>
                <Measured value={value} mark={mark} />
              </td>
              <td>
                <Moment at={time} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Change({ device }: { readonly device: Device }) {
  const org = useOrg();
  const can = useCan();
  const api = apiFor(org.id);
  const { data: products } = useQuery({
    queryKey: ["products-all", org.id],
    queryFn: ({ signal }) => api.call(routes.listProducts, { query: { limit: 1_000 }, signal }),
  });
  const form = useForm({
    initialValues: {
      name: device.name,
      alias: device.alias ?? "",
      product: String(device.product ?? ""),
      interval: device.reportingInterval ?? "",
      tags: Object.entries(device.tags)
        .map((pair) => pair.join("="))
        .join("\n"),
    },
    validate: { interval: intervalFault, tags: (text) => (parseTags(text) ? null : own.tagsHint) },
  });
  useKept(form);
  const change = useAct(({ name, alias, product, interval, tags }: ReturnType<typeof form.getValues>) =>
    api.call(routes.updateDevice, {
      params: { device: device.id },
      body: {
        name,
        alias: alias === "" ? null : alias,
        product: isId("product", product) ? product : null,
        reportingInterval: intervalOf(interval),
        tags: parseTags(tags) ?? {},
      },
      ifVersion: device.version,
    }),
  );
  const why =
    device.state === "retired"
      ? own.isRetired
      : can("device.update")
        ? undefined
        : words.common.notAllowed("device.update");
  return (
    <Stack gap="sm" maw={640}>
      <Title order={2} fz="lg">
        {own.about}
      </Title>
      <form onSubmit={form.onSubmit((values) => change.mutate(values))}>
        <Stack gap="sm">
          <TextInput label={words.common.name} required {...form.getInputProps("name")} />
          <TextInput label={words.devices.alias} description={own.aliasHint} {...form.getInputProps("alias")} />
          <NativeSelect
            label={words.devices.product}
            data={[
              { value: "", label: words.common.none },
              ...(products?.items ?? []).map(({ id, name }) => ({ value: String(id), label: name })),
            ]}
            {...form.getInputProps("product")}
          />
          <TextInput
            label={words.common.interval}
            description={own.intervalHint(
              products?.items.find(({ id }) => id === form.getValues().product)?.reportingInterval,
            )}
            {...form.getInputProps("interval")}
          />
          <Textarea
            label={words.devices.tags}
            description={own.tagsHint}
            autosize
            minRows={2}
            {...form.getInputProps("tags")}
          />
          <SaveChanges why={why} isDirty={form.isDirty()} change={change} />
        </Stack>
      </form>
    </Stack>
  );
}

function parseTags(text: string): Record<string, string> | undefined {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const pairs = lines.map((line) => /^([^=]+)=(.*)$/.exec(line));
  if (pairs.some((pair) => pair === null)) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair?.[1]?.trim() ?? "", pair?.[2]?.trim() ?? ""]));
}
