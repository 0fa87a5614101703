import { Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** Nothing here yet: why, and the one next step. */
export function Empty({ children, next }: { readonly children: ReactNode; readonly next?: ReactNode }) {
  return (
    <Stack align="center" gap="sm" py="xl" px="md">
      <Text c="var(--hf-dim)" ta="center" maw={520}>
        {children}
      </Text>
      {next}
    </Stack>
  );
}
