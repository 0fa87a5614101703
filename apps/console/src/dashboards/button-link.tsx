import { Button, type ButtonProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { ReactNode } from "react";

/** A way elsewhere that looks like what is done here. */
export const ButtonLink = createLink(
  (given: ButtonProps & { readonly href?: string; readonly children?: ReactNode }) => (
    <Button component="a" {...given} />
  ),
);
