import { Group, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor, queryClient, useAct } from "../api/index.ts";
import { EntityId, Facts, Moment, OnceDialog, Press, ProblemNotice, SecretOnce, Slow } from "../kit/index.ts";
import { QrCode } from "../qr/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Device } from "./frame.tsx";

const own = words.ownership;

/** Which customer a device is, on its way to whom, and the code for its box. */
export function Ownership({ device }: { readonly device: Device }) {
  const org = useOrg();
  const can = useCan();
  const api = apiFor(org.id);
  const params = { device: device.id };
  const [isMaking, making] = useDisclosure(false);
  const { data, error, refetch } = useQuery({
    queryKey: ["claim", org.id, device.id],
    queryFn: ({ signal }) => api.call(routes.readDeviceClaim, { params, signal }),
    refetchInterval: 10_000,
  });
  const make = useAct(() => api.call(routes.createClaimCode, { params, body: {} }));
  const close = () => {
    making.close();
    make.reset();
    void queryClient.invalidateQueries({ queryKey: ["claim", org.id, device.id] });
  };
  const why =
    device.state === "retired"
      ? words.device.isRetired
      : can("device.bind")
        ? undefined
        : words.common.notAllowed("device.bind");
  const code = make.data?.code;
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2} fz="lg">
          {own.title}
        </Title>
        <Press variant="default" why={why} onClick={making.open}>
          {own.make}
        </Press>
      </Group>
      {error && !data && <ProblemNotice error={error} retry={() => void refetch()} />}
      {!data && !error && <Slow />}
      {data && (
        <Facts
          facts={[
            [words.common.state, own.states[data.state]],
            ...(data.user === undefined ? [] : ([[own.customer, <EntityId key="user" id={data.user} />]] as const)),
            ...(data.until === undefined
              ? []
              : ([[own.until, <Moment key="until" at={data.until} exactly />]] as const)),
            [own.code, own.codes[data.code]],
            ...(data.codeExpiresAt === undefined
              ? []
              : ([[own.codeEnds, <Moment key="ends" at={data.codeExpiresAt} exactly />]] as const)),
          ]}
        />
      )}
      <OnceDialog
        opened={isMaking}
        close={close}
        title={own.make}
        made={
          code === undefined ? undefined : (
            <>
              <QrCode text={code} label={own.picture} />
              <SecretOnce label={own.code} secret={code} file={`${device.id}-claim.txt`} />
            </>
          )
        }
      >
        <Stack gap="sm">
          <Text fz="sm">{own.lead}</Text>
          {data?.code === "good" && <Text fz="sm">{own.replaces}</Text>}
          {make.error && <ProblemNotice error={make.error} />}
          <Group>
            <Press why={why} loading={make.isPending} onClick={() => make.mutate(undefined)}>
              {own.make}
            </Press>
          </Group>
        </Stack>
      </OnceDialog>
    </Stack>
  );
}
