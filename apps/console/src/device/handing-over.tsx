import { Group, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor, queryClient, useAct } from "../api/index.ts";
import { Facts, Moment, OnceDialog, Press, ProblemNotice, SecretOnce, Slow } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Device } from "./frame.tsx";

const own = words.handingOver;

/** Whether the device is on its way to another organisation, and the code by which it goes. */
export function HandingOver({ device }: { readonly device: Device }) {
  const org = useOrg();
  const can = useCan();
  const api = apiFor(org.id);
  const params = { device: device.id };
  const queryKey = ["handover", org.id, device.id];
  const [isMaking, making] = useDisclosure(false);
  const { data, error, refetch } = useQuery({
    queryKey,
    queryFn: ({ signal }) => api.call(routes.readHandover, { params, signal }),
    refetchInterval: 10_000,
  });
  const make = useAct(() => api.call(routes.offerHandover, { params, body: {} }));
  const withdraw = useAct(() => api.call(routes.withdrawHandover, { params }));
  const close = () => {
    making.close();
    make.reset();
    void queryClient.invalidateQueries({ queryKey });
  };
  const mayNot = can("device.retire") ? undefined : words.common.notAllowed("device.retire");
  const isOver = device.state === "retired" ? words.device.isRetired : undefined;
  const whyNotMake = isOver ?? mayNot ?? (device.user === undefined ? undefined : own.isCustomers);
  const isOffered = data?.state === "offered";
  const code = make.data?.code;
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2} fz="lg">
          {own.title}
        </Title>
        <Group gap="xs">
          {isOffered && (
            <Press
              variant="default"
              why={mayNot}
              loading={withdraw.isPending}
              onClick={() => withdraw.mutate(undefined)}
            >
              {own.withdraw}
            </Press>
          )}
          <Press variant="default" why={whyNotMake} onClick={making.open}>
            {own.make}
          </Press>
        </Group>
      </Group>
      {withdraw.error && <ProblemNotice error={withdraw.error} />}
      {error && !data && <ProblemNotice error={error} retry={() => void refetch()} />}
      {!data && !error && <Slow />}
      {data && (
        <Facts
          facts={[
            [words.common.state, own.states[data.state]],
            ...(data.expiresAt === undefined
              ? []
              : ([[own.until, <Moment key="until" at={data.expiresAt} exactly />]] as const)),
          ]}
        />
      )}
      <OnceDialog
        opened={isMaking}
        close={close}
        title={own.title}
        made={
          code === undefined ? undefined : (
            <SecretOnce label={own.code} secret={code} file={`${device.id}-hand-over.txt`} />
          )
        }
      >
        <Stack gap="sm">
          <Text fz="sm">{own.about}</Text>
          <Text fz="sm">{own.lead}</Text>
          {isOffered && <Text fz="sm">{own.replaces}</Text>}
          {make.error && <ProblemNotice error={make.error} />}
          <Group>
            <Press why={whyNotMake} loading={make.isPending} onClick={() => make.mutate(undefined)}>
              {own.makeCode}
            </Press>
          </Group>
        </Stack>
      </OnceDialog>
    </Stack>
  );
}
