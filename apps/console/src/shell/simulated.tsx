import { Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { paths } from "../kit/index.ts";
import { words } from "../words/index.ts";

/** On every page of an organisation that the platform made to show itself: a shape and a sentence, and where that ends. */
export function Simulated({ org }: { readonly org: string }) {
  return (
    <Group role="note" gap="xs" px="md" py={6} fz="sm" c="var(--hf-warn)" bg="var(--hf-raised)" wrap="nowrap">
      <svg width="12" height="12" aria-hidden="true" style={{ flex: "none" }}>
        <path d="M6 1l5 5-5 5-5-5z" fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray="2 1.5" />
      </svg>
      <Text inherit>
        {words.shell.simulated}{" "}
        <Link to={paths.settings} params={{ org }} activeProps={{}}>
          {words.shell.simulatedEnds}
        </Link>
      </Text>
    </Group>
  );
}
