import { Button, Group, Modal, NativeSelect, Stack, Text } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Press, ProblemNotice } from "../kit/index.ts";
import { words } from "../words/index.ts";

const own = words.instance;

/** Another plan for an organisation, or none. */
export function GivePlan({
  by,
  org,
  close,
}: {
  readonly by: string;
  readonly org: { readonly id: string; readonly plan?: string | undefined };
  readonly close: () => void;
}) {
  const [chosen, setChosen] = useState(org.plan ?? "");
  const { data, error } = useQuery({
    queryKey: ["plans"],
    queryFn: ({ signal }) => apiFor(by).call(routes.listPlans, { signal }),
  });
  const give = useAct((plan: string | null) =>
    apiFor(by).call(routes.givePlan, { params: { org: org.id }, body: { plan } }),
  );
  const options = [{ value: "", label: own.noPlan }, ...(data?.items ?? []).map(({ name }) => name)];
  return (
    <Modal opened onClose={close} title={own.givePlan} closeButtonProps={{ "aria-label": words.common.close }}>
      <Stack gap="sm">
        <NativeSelect
          label={own.planOf(org.id)}
          data={options}
          value={chosen}
          data-autofocus
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
        <Text fz="sm" c="var(--hf-dim)">
          {own.planHint}
        </Text>
        {(error ?? give.error) && <ProblemNotice error={error ?? give.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {words.common.cancel}
          </Button>
          <Press
            why={chosen === (org.plan ?? "") ? words.common.unchanged : undefined}
            loading={give.isPending}
            onClick={() => give.mutate(chosen === "" ? null : chosen, { onSuccess: close })}
          >
            {words.common.save}
          </Press>
        </Group>
      </Stack>
    </Modal>
  );
}
