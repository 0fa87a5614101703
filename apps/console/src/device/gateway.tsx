import { Group, Modal, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { routes } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";
import { Facts, Moment, Press, ProblemNotice, StateMark } from "../kit/index.ts";
import { DeviceMark, DeviceName, DevicePicker, markOf } from "../naming/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Children } from "./children.tsx";
import { DeviceFrame, useDevice, type Device } from "./frame.tsx";

const own = words.gateways;

/** Which device speaks for this one, and for which it speaks. */
export function DeviceGateway() {
  const device = useDevice();
  const can = useCan();
  const why =
    device.state === "retired"
      ? words.device.isRetired
      : can("device.bind")
        ? undefined
        : words.common.notAllowed("device.bind");
  return (
    <DeviceFrame device={device}>
      <Speaker device={device} why={why} />
      <Children device={device} why={why} />
    </DeviceFrame>
  );
}

function Speaker({ device, why }: { readonly device: Device; readonly why: string | undefined }) {
  const org = useOrg();
  const api = apiFor(org.id);
  const params = { device: device.id };
  const [isChoosing, choosing] = useDisclosure(false);
  const release = useAct(() => api.call(routes.removeGateway, { params }));
  const bind = useAct((gateway: Device["id"]) => api.call(routes.setGateway, { params, body: { gateway } }));
  const { gateway, presence } = device;
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2} fz="lg">
          {own.speaks}
        </Title>
        <Group gap="xs">
          <Press variant="default" why={why} onClick={choosing.open}>
            {gateway === undefined ? own.bind : own.bindOther}
          </Press>
          {gateway !== undefined && (
            <Press
              variant="outline"
              color="red"
              why={why}
              loading={release.isPending}
              onClick={() => release.mutate(undefined)}
            >
              {own.release}
            </Press>
          )}
        </Group>
      </Group>
      {release.error && <ProblemNotice error={release.error} />}
      {gateway === undefined ? (
        <Text fz="sm">{own.itself}</Text>
      ) : (
        <>
          <Facts
            facts={[
              [own.gateway, <DeviceName key="gateway" id={gateway} />],
              [own.gatewayIs, <DeviceMark key="is" id={gateway} />],
              [own.itIs, <StateMark key="it" state={markOf(device)} />],
              [
                own.heard,
                presence.lastSeenAt === undefined ? (
                  words.common.never
                ) : (
                  <Moment key="seen" at={presence.lastSeenAt} exactly />
                ),
              ],
            ]}
          />
          <Text fz="sm" c="var(--hf-dim)">
            {own.releaseHint}
          </Text>
        </>
      )}
      <Modal
        opened={isChoosing}
        onClose={choosing.close}
        title={gateway === undefined ? own.bind : own.bindOther}
        closeButtonProps={{ "aria-label": words.common.close }}
      >
        <Stack gap="sm">
          <Text fz="sm">{own.bindHint}</Text>
          {bind.error && <ProblemNotice error={bind.error} />}
          <DevicePicker
            application={device.application}
            isFit={({ id }) => id !== device.id && id !== gateway}
            choose={({ id }) => bind.mutate(id, { onSuccess: choosing.close })}
            verb={own.bindOf}
          />
        </Stack>
      </Modal>
    </Stack>
  );
}
