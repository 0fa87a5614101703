import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { parseId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor } from "../api/index.ts";
import { ProblemNotice } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

type Device = Reply<typeof routes.listDevices>["items"][number];
const own = words.naming;
const most = 8;

/** Finds devices of one application by typing; choosing one does something with it at once. */
export function DevicePicker({
  application,
  isFit,
  choose,
  verb,
}: {
  readonly application: string;
  /** Whether it can be chosen: others are not shown. */
  readonly isFit: (device: Device) => boolean;
  readonly choose: (device: Device) => void;
  /** What choosing does, with the device's name. */
  readonly verb: (name: string) => string;
}) {
  const org = useOrg();
  const [typed, setTyped] = useState("");
  const [q] = useDebouncedValue(typed.trim(), 200);
  const { data, error } = useQuery({
    queryKey: ["device-picker", org.id, application, q],
    queryFn: ({ signal }) =>
      apiFor(org.id).call(routes.listDevices, {
        query: { application: parseId("application", application), limit: 50, sort: "name", ...(q !== "" && { q }) },
        signal,
      }),
    placeholderData: (before) => before,
  });
  const fit = data?.items.filter((device) => device.state !== "retired" && isFit(device)) ?? [];
  const hasMore = fit.length > most || data?.nextCursor !== undefined;
  return (
    <Stack gap="xs">
      <TextInput
        label={own.find}
        description={own.findHint}
        value={typed}
        autoComplete="off"
        data-autofocus
        onChange={({ currentTarget: { value } }) => setTyped(value)}
      />
      {error && !data && <ProblemNotice error={error} />}
      <Group gap={4} role="status">
        {fit.slice(0, most).map((device) => (
          <Button
            key={device.id}
            size="compact-sm"
            variant="default"
            aria-label={verb(device.name)}
            onClick={() => choose(device)}
          >
            + {device.name}
          </Button>
        ))}
        {data && fit.length === 0 && !hasMore && <Text fz="sm">{own.noneFound}</Text>}
        {hasMore && (
          <Text fz="sm" c="var(--hf-dim)">
            {own.more}
          </Text>
        )}
      </Group>
    </Stack>
  );
}
