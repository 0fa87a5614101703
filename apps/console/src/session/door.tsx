import { Card, Center, Stack, Text, Title } from "@mantine/core";
import { useEffect, type ReactNode } from "react";
import { words } from "../words/index.ts";

/** What stands before anybody is signed in: one card on an empty page. */
export function Door({
  title,
  lead,
  children,
}: {
  readonly title: string;
  readonly lead?: string;
  readonly children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · ${words.product}`;
  }, [title]);
  return (
    <Center component="main" tabIndex={-1} mih="100dvh" p="md">
      <Card withBorder w="100%" maw={440} p="lg" bg="var(--hf-raised)">
        <Stack gap="md">
          <div>
            <Text fz="sm" c="var(--hf-dim)">
              {words.product}
            </Text>
            <Title order={1} fz="xl" fw={650}>
              {title}
            </Title>
          </div>
          {lead !== undefined && <Text fz="sm">{lead}</Text>}
          {children}
        </Stack>
      </Card>
    </Center>
  );
}
