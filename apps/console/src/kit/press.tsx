import { Button, Tooltip, type ButtonProps } from "@mantine/core";
import type { ComponentProps, ComponentPropsWithRef } from "react";

/**
 * A button that may not be pressed says why, to whoever points at it, tabs to it or hears it. One that is `disabled` could not: keys do
 * not reach it.
 */
export function Press({
  why,
  onClick,
  ...others
}: Omit<ButtonProps, "disabled"> &
  Omit<ComponentPropsWithRef<"button">, keyof ButtonProps> & { readonly why: string | undefined }) {
  const mayNot = why !== undefined;
  return (
    <Tooltip label={why} disabled={!mayNot} events={{ hover: true, focus: true, touch: true }}>
      <Button
        {...others}
        {...(mayNot && { "data-disabled": true, "aria-disabled": true, "aria-description": why })}
        onClick={(event) => (mayNot ? event.preventDefault() : onClick?.(event))}
      />
    </Tooltip>
  );
}

/** The same in a row: small, and red where it `ends` something. */
export function RowPress({ ends = false, ...others }: ComponentProps<typeof Press> & { readonly ends?: boolean }) {
  return <Press size="compact-xs" variant={ends ? "outline" : "default"} {...(ends && { color: "red" })} {...others} />;
}
