import { Button, Code, Group, Stack, Text, TextInput } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { OnceDialog, ProblemNotice } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { CodesOnce } from "./codes-once.tsx";
import { QrCode } from "../qr/index.ts";

const own = words.account.twoStep;

/** A secret goes into her app, a code comes back, and then her recovery codes are shown. */
export function Enrolling({
  offer: { secret, uri, offer },
  isReplacing,
  close,
}: {
  readonly offer: Reply<typeof routes.offerTotp>;
  readonly isReplacing: boolean;
  readonly close: () => void;
}) {
  const [code, setCode] = useState("");
  const add = useAct(() => apiFor().call(routes.addTotp, { body: { offer, code } }));
  return (
    <OnceDialog
      opened
      close={close}
      title={add.data ? own.codesTitle : own.dialog}
      made={add.data && <CodesOnce codes={add.data.recoveryCodes} />}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate(undefined);
        }}
      >
        <Stack gap="sm">
          <Text fz="sm">{own.scan}</Text>
          {isReplacing && <Text fz="sm">{own.replaced}</Text>}
          <QrCode text={uri} label={own.picture} />
          <Code block tabIndex={0} aria-label={own.secret}>
            {secret}
          </Code>
          <TextInput
            label={own.code}
            inputMode="numeric"
            autoComplete="one-time-code"
            required
            data-autofocus
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
          />
          {add.error && <ProblemNotice error={add.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {words.common.cancel}
            </Button>
            <Button type="submit" loading={add.isPending}>
              {own.confirm}
            </Button>
          </Group>
        </Stack>
      </form>
    </OnceDialog>
  );
}
