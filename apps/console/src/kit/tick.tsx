import { Checkbox, Tooltip, type CheckboxProps } from "@mantine/core";

/** A box that may not be ticked says why, as `Press` does: keys reach it, and nothing comes of them. */
export function Tick({
  why,
  ...others
}: Omit<CheckboxProps, "disabled" | "readOnly"> & { readonly why: string | undefined }) {
  const mayNot = why !== undefined;
  return (
    <Tooltip label={why} disabled={!mayNot} events={{ hover: true, focus: true, touch: true }}>
      <div>
        <Checkbox
          {...others}
          readOnly={mayNot}
          {...(mayNot && {
            "aria-disabled": true,
            "aria-description": why,
            styles: { label: { color: "var(--hf-dim)" } },
          })}
        />
      </div>
    </Tooltip>
  );
}
