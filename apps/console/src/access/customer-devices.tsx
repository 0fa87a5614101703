import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { isId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { apiFor, useAct } from "../api/index.ts";
import { paths, RowPress, ProblemNotice } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

type User = Reply<typeof routes.listUsers>["items"][number];
const own = words.customers;

/** Which devices a customer reads, and how that begins and ends. */
export function CustomerDevices({ user, close }: { readonly user: User; readonly close: () => void }) {
  const org = useOrg();
  const can = useCan();
  const api = apiFor(org.id);
  const why = can("device.bind") ? undefined : words.common.notAllowed("device.bind");
  const params = { application: user.application, user: user.id };
  const devices = useQuery({
    queryKey: ["customer-devices", org.id, user.id],
    queryFn: ({ signal }) => api.call(routes.listUserDevices, { params, query: { limit: 1_000 }, signal }),
  });
  const form = useForm({
    initialValues: { device: "" },
    validate: { device: (text) => (isId("device", text.trim()) ? null : own.deviceHint) },
  });
  const bind = useAct(({ device, isHers }: { device: string; isHers: boolean }) =>
    api.call(routes.bindDevice, { params: { device }, body: { user: isHers ? user.id : null } }),
  );
  const error = bind.error ?? devices.error;
  return (
    <Modal
      opened
      onClose={close}
      title={own.devicesOf(user.login)}
      closeButtonProps={{ "aria-label": words.common.close }}
    >
      <Stack gap="sm">
        {devices.data?.items.length === 0 && <Text fz="sm">{own.noDevices}</Text>}
        {devices.data?.items.map(({ id, name }) => (
          <Group key={id} justify="space-between" wrap="nowrap">
            <Link to={paths.device} params={{ org: org.id, device: id }}>
              {name}
            </Link>
            <RowPress
              flex="none"
              why={why}
              onClick={() => bind.mutate({ device: id, isHers: false })}
              aria-label={`${own.unbind} ${name}`}
            >
              {own.unbind}
            </RowPress>
          </Group>
        ))}
        <form
          onSubmit={form.onSubmit(({ device }) =>
            bind.mutate({ device: device.trim(), isHers: true }, { onSuccess: () => form.reset() }),
          )}
        >
          <Stack gap="sm">
            <TextInput
              label={own.device}
              description={own.deviceHint}
              required
              autoComplete="off"
              {...form.getInputProps("device")}
            />
            {error && <ProblemNotice error={error} />}
            {why === undefined ? (
              <Button type="submit" loading={bind.isPending}>
                {own.bind}
              </Button>
            ) : (
              <Text fz="sm">{why}</Text>
            )}
          </Stack>
        </form>
      </Stack>
    </Modal>
  );
}
