import { Text } from "@mantine/core";

/** A widget that has nothing to show says so. */
export const Nothing = ({ children }: { readonly children: string }) => (
  <Text fz="sm" c="var(--hf-dim)">
    {children}
  </Text>
);
