import { Button, Modal } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { words } from "../words/index.ts";

/** A button, and the dialog that it opens. */
export function Opening({
  label,
  children,
}: {
  readonly label: string;
  readonly children: (close: () => void) => ReactNode;
}) {
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <Button variant="default" onClick={() => setOpen(true)}>
        {label}
      </Button>
      {isOpen && (
        <Modal opened onClose={close} title={label} closeButtonProps={{ "aria-label": words.common.close }}>
          {children(close)}
        </Modal>
      )}
    </>
  );
}
