import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { routes } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";
import { ProblemNotice } from "../kit/index.ts";
import { words } from "../words/index.ts";

const own = words.instance;

/** A further organisation, hers; she is signed in to it at once. */
export function CreateOrganisation({
  by,
  opened,
  close,
}: {
  readonly by: string;
  readonly opened: boolean;
  readonly close: () => void;
}) {
  const form = useForm({ initialValues: { name: "" } });
  const create = useAct((body: { name: string }) => apiFor(by).call(routes.createOrg, { body }));
  const leave = () => {
    create.reset();
    form.reset();
    close();
  };
  return (
    <Modal opened={opened} onClose={leave} title={own.create} closeButtonProps={{ "aria-label": words.common.close }}>
      <form onSubmit={form.onSubmit((body) => create.mutate(body, { onSuccess: leave }))}>
        <Stack gap="sm">
          <TextInput label={own.name} required maxLength={200} data-autofocus {...form.getInputProps("name")} />
          <Text fz="sm" c="var(--hf-dim)">
            {own.createHint}
          </Text>
          {create.error && <ProblemNotice error={create.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={leave}>
              {words.common.cancel}
            </Button>
            <Button type="submit" loading={create.isPending}>
              {own.create}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
