import { Alert, Group, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { words } from "../words/index.ts";
import { EntityId } from "./entity-id.tsx";

/** Rows of a list that somebody altered in the database: nothing but that they are there is known. */
export function Altered({
  ids,
  end,
}: {
  readonly ids: readonly string[];
  readonly end?: ((id: string) => ReactNode) | undefined;
}) {
  return (
    <Alert color="red" variant="outline" c="var(--hf-text)" title={words.table.altered(ids.length)}>
      <Text fz="sm" mb="xs">
        {words.table.alteredHint}
      </Text>
      <Stack gap="xs" mah={160} style={{ overflowY: "auto" }}>
        {ids.map((id) => (
          <Group key={id} gap="sm">
            <EntityId id={id} />
            {end?.(id)}
          </Group>
        ))}
      </Stack>
    </Alert>
  );
}
