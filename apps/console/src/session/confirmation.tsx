import { useEffect, useState, type ComponentType } from "react";
import { confirmBy, on } from "../api/index.ts";

type Answer = (isProved: boolean) => void;
type Asking = { readonly Dialog: ComponentType<{ readonly close: Answer }>; readonly answer: Answer };

/** Whoever asks who is there once more, wherever she is; what she wanted to do waits meanwhile, and goes on or not. */
export function Confirmation() {
  const [asking, setAsking] = useState<Asking | undefined>(undefined);
  const close = (isProved: boolean) => {
    asking?.answer(isProved);
    setAsking(undefined);
  };
  useEffect(
    () =>
      confirmBy(async () => {
        // When somebody is first asked: the first load need not bring it.
        const { ConfirmationDialog: Dialog } = await import("./confirmation-dialog.tsx");
        return new Promise((answer) => setAsking({ Dialog, answer }));
      }),
    [],
  );
  useEffect(() => on("session ended", () => close(false)));
  return asking && <asking.Dialog close={close} />;
}
