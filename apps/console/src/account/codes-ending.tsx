import { Modal, Text } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { apiFor, useAct } from "../api/index.ts";
import { OnceDialog } from "../kit/index.ts";
import { sessionQuery } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Asking } from "./asking.tsx";
import { CodesOnce } from "./codes-once.tsx";

const own = words.account.twoStep;

/** New recovery codes in place of those that there are. */
export function Renewing({ close }: { readonly close: () => void }) {
  const renew = useAct(() => apiFor().call(routes.renewRecoveryCodes, { body: {} }));
  return (
    <OnceDialog
      opened
      close={close}
      title={renew.data ? own.codesTitle : own.renewTitle}
      made={renew.data && <CodesOnce codes={renew.data.recoveryCodes} />}
    >
      <Asking label={own.renew} act={renew} close={close}>
        <Text fz="sm">{own.renewHint}</Text>
      </Asking>
    </OnceDialog>
  );
}

/** Codes are asked for no more. */
export function Removing({ close }: { readonly close: () => void }) {
  const { data } = useSuspenseQuery(sessionQuery);
  const demanding = data.orgs.filter(({ factor }) => factor !== undefined).map(({ name }) => name);
  const remove = useAct(async () => {
    await apiFor().call(routes.removeTotp);
    close();
  });
  return (
    <Modal opened onClose={close} title={own.removeTitle} closeButtonProps={{ "aria-label": words.common.close }}>
      <Asking label={own.remove} color="red" act={remove} close={close}>
        <Text fz="sm">{own.removeHint}</Text>
        {demanding.length > 0 && <Text fz="sm">{own.removeLoses(demanding.join(", "))}</Text>}
      </Asking>
    </Modal>
  );
}
