import { Card, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** One thing of an account, and what can be done with it. */
export function AccountCard({
  title,
  lead,
  children,
}: {
  readonly title: string;
  readonly lead: string;
  readonly children: ReactNode;
}) {
  return (
    <Card withBorder component="section" aria-label={title} maw={720} p="md" bg="var(--hf-raised)">
      <Stack gap="sm" align="flex-start">
        <div>
          <Title order={2} fz="lg">
            {title}
          </Title>
          <Text fz="sm" c="var(--hf-dim)">
            {lead}
          </Text>
        </div>
        {children}
      </Stack>
    </Card>
  );
}
