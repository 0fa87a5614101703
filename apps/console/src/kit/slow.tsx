import { Group, Loader, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { words } from "../words/index.ts";

/** Something is being asked; after a second it says for how long. */
export function Slow() {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((before) => before + 1), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <Group gap="xs" role="status" p="md">
      <Loader size="xs" />
      <Text fz="sm" c="var(--hf-dim)">
        {seconds < 1 ? words.common.loading : words.common.slow(seconds)}
      </Text>
    </Group>
  );
}
