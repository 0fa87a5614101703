import { Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { apiFor, queryClient, useAct } from "../api/index.ts";
import { Confirm, EntityId, Moment, Page, paths, ProblemNotice, StateMark, Press, Tabs } from "../kit/index.ts";
import { markOf } from "../naming/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

export type Device = Reply<typeof routes.readDevice>;
const own = words.device;

/** The device of this page, asked again every few seconds: it comes and goes. */
export function useDevice(): Device {
  const org = useOrg();
  const { device = "" } = useParams({ strict: false });
  const { data } = useSuspenseQuery({
    queryKey: ["device", org.id, device],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readDevice, { params: { device }, signal }),
    refetchInterval: 5_000,
  });
  return data;
}

const tabs = [
  { to: paths.device, label: own.tabs.overview },
  { to: paths.deviceTelemetry, label: own.tabs.telemetry },
  { to: paths.deviceLive, label: own.tabs.live },
  { to: paths.deviceTwin, label: own.tabs.twin },
  { to: paths.deviceCommands, label: own.tabs.commands },
  { to: paths.deviceAlerts, label: own.tabs.alerts },
  { to: paths.deviceAccess, label: own.tabs.access },
  { to: paths.deviceCertificates, label: own.tabs.certificates },
  { to: paths.deviceGateway, label: own.tabs.gateway },
  { to: paths.deviceHistory, label: own.tabs.history },
] as const;

/** What stands above every page of a device: what it is, how it is, what may be done with it. */
export function DeviceFrame({ device, children }: { readonly device: Device; readonly children: ReactNode }) {
  const org = useOrg();
  const params = { org: org.id, device: device.id };
  const { state, presence } = device;
  return (
    <Page
      title={device.name}
      lead={
        <Group gap="sm">
          <StateMark state={markOf(device)} />
          {presence.since !== undefined && (
            <span>
              {own.since} <Moment at={presence.since} />
            </span>
          )}
          {presence.because !== undefined && state === "active" && <span>{presence.because}</span>}
          <EntityId id={device.id} />
        </Group>
      }
      actions={<Actions device={device} />}
    >
      <Tabs label={own.pages} tabs={tabs} params={params}>
        <Link to={paths.sessions} params={{ org: org.id }} search={{ q: device.id }}>
          {own.tabs.sessions}
        </Link>
      </Tabs>
      {children}
    </Page>
  );
}

function Actions({ device }: { readonly device: Device }) {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const [isRetiring, retiring] = useDisclosure(false);
  const [isErasing, erasing] = useDisclosure(false);
  const api = apiFor(org.id);
  const params = { device: device.id };
  const suspend = useAct(() => api.call(routes.suspendDevice, { params }));
  const resume = useAct(() => api.call(routes.resumeDevice, { params }));
  const why = (action: string) => (can(action) ? undefined : words.common.notAllowed(action));
  const error = suspend.error ?? resume.error;
  return (
    <>
      {device.state === "active" && (
        <Press
          variant="default"
          loading={suspend.isPending}
          why={why("device.suspend")}
          onClick={() => suspend.mutate(undefined)}
        >
          {own.suspend}
        </Press>
      )}
      {device.state === "suspended" && (
        <Press
          variant="default"
          loading={resume.isPending}
          why={why("device.resume")}
          onClick={() => resume.mutate(undefined)}
        >
          {own.resume}
        </Press>
      )}
      {device.state !== "retired" && (
        <Press variant="outline" color="red" why={why("device.retire")} onClick={retiring.open}>
          {own.retire}
        </Press>
      )}
      <Press variant="outline" color="red" why={why("device.erase")} onClick={erasing.open}>
        {own.erase}
      </Press>
      {error && <ProblemNotice error={error} />}
      <Confirm
        opened={isErasing}
        close={erasing.close}
        title={own.erase}
        label={own.erase}
        name={device.name}
        act={async () => {
          await api.call(routes.eraseDevice, { params });
          await queryClient.invalidateQueries();
        }}
      >
        {own.eraseHint}
      </Confirm>
      <Confirm
        opened={isRetiring}
        close={retiring.close}
        title={own.retire}
        label={own.retire}
        name={device.name}
        act={async () => {
          await api.call(routes.retireDevice, { params });
          await navigate({ to: paths.devices, params: { org: org.id } });
        }}
      >
        {own.retireHint}
      </Confirm>
    </>
  );
}
