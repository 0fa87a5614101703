import { Button, Group, Modal, NativeSelect, Stack, Text } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { ProblemNotice, SecretOnce } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.rotating;

/** Gives a credential another secret, after asking how long the one before is good, and shows it once. */
export function Rotating({
  credential,
  close,
}: {
  readonly credential: { readonly id: string; readonly kind: string; readonly hasFormer: boolean };
  readonly close: () => void;
}) {
  const { id, kind, hasFormer } = credential;
  const org = useOrg();
  const [overlap, setOverlap] = useState("24h");
  const [secret, setSecret] = useState<string | undefined>(undefined);
  const rotate = useAct(() =>
    apiFor(org.id).call(routes.rotateCredential, { params: { credential: id }, body: { overlap } }),
  );
  const text = (made: string) => (kind === "apiToken" ? made : `${id}.${made}`);
  return (
    <Modal
      opened
      onClose={close}
      title={secret === undefined ? own.rotate : own.done}
      closeButtonProps={{ "aria-label": words.common.close }}
    >
      {secret === undefined ? (
        <Stack gap="md">
          <Text fz="sm">{own.hint}</Text>
          {hasFormer && <Text fz="sm">{own.endsOlder}</Text>}
          <NativeSelect
            label={own.overlap}
            data={Object.entries(own.overlaps).map(([value, label]) => ({ value, label }))}
            value={overlap}
            onChange={(event) => setOverlap(event.currentTarget.value)}
            data-autofocus
          />
          {rotate.error && <ProblemNotice error={rotate.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {words.common.cancel}
            </Button>
            <Button
              loading={rotate.isPending}
              onClick={() =>
                rotate.mutate(undefined, { onSuccess: ({ secret: made }) => setSecret(made && text(made)) })
              }
            >
              {own.rotate}
            </Button>
          </Group>
        </Stack>
      ) : (
        <Stack gap="md">
          <SecretOnce label={words.access.secretLabel} secret={secret} file={`${id}.txt`} />
          <Group justify="flex-end">
            <Button onClick={close}>{words.access.done}</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
