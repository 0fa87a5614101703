import { routes } from "@holdfast/protocol";
import { Button, Group, Modal, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { words } from "../words/index.ts";
import { accountQuery } from "./account.ts";
import { Asking } from "./asking.tsx";
import { Renewing } from "./codes-ending.tsx";

const own = words.passkeys;

/** Beside a password: what stands in for a passkey that is lost, and how to do without the password. */
export function PasskeysAlone() {
  const { data } = useSuspenseQuery(accountQuery);
  const [asked, ask] = useState<"renew" | "remove" | undefined>(undefined);
  const close = () => ask(undefined);
  const remove = useAct(async () => {
    await apiFor().call(routes.removePassword);
    close();
  });
  if (!data.hasPassword) return <Text fz="sm">{own.alone}</Text>;
  return (
    <>
      {!data.totp && (
        <Text fz="sm" {...(data.recoveryCodes === 0 && { className: "hf-warn" })}>
          {words.account.twoStep.left(data.recoveryCodes)}. {own.spare}
        </Text>
      )}
      <Group gap="xs">
        {!data.totp && (
          <Button variant="default" onClick={() => ask("renew")}>
            {words.account.twoStep.renew}
          </Button>
        )}
        <Button color="red" variant="outline" onClick={() => ask("remove")}>
          {own.removePassword}
        </Button>
      </Group>
      {asked === "renew" && <Renewing close={close} />}
      <Modal
        opened={asked === "remove"}
        onClose={close}
        title={own.removePasswordTitle}
        closeButtonProps={{ "aria-label": words.common.close }}
      >
        <Asking label={own.removePassword} color="red" act={remove} close={close}>
          <Text fz="sm">{own.removePasswordHint}</Text>
        </Asking>
      </Modal>
    </>
  );
}
