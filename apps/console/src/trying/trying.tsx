import { List, Stack, Text } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes, usualDays, type SimulatedChange } from "@holdfast/protocol";
import { useMutation } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { Press, ProblemNotice } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Touched } from "./touched.tsx";

const own = words.trying;
const mostShown = 12;

type Outcome = Reply<typeof routes.simulateChange>["newlyRefused"];

/** Tries a change on what was really asked lately. What was said of another change is not said any more. */
export function useTrying(change: SimulatedChange | undefined) {
  const org = useOrg();
  const asked = useMutation({
    mutationFn: (tried: SimulatedChange) =>
      apiFor(org.id).call(routes.simulateChange, { body: { change: tried, days: usualDays } }),
  });
  const isAbout = JSON.stringify(asked.variables) === JSON.stringify(change);
  return {
    try: () => change && asked.mutate(change),
    isPending: asked.isPending,
    error: isAbout ? asked.error : null,
    data: isAbout ? asked.data : undefined,
  };
}

type Trying = ReturnType<typeof useTrying>;

/** Stands beside the button that makes the change. `isGood` looks at the form first, which then says what is wrong with it. */
export function TryButton({
  trying,
  why,
  isGood = () => true,
}: {
  readonly trying: Trying;
  /** Why there is nothing to try yet. */
  readonly why?: string | undefined;
  readonly isGood?: () => boolean;
}) {
  const can = useCan();
  return (
    <Press
      type="button"
      variant="default"
      why={can("authority.explain") ? why : words.common.notAllowed("authority.explain")}
      loading={trying.isPending}
      onClick={() => isGood() && trying.try()}
    >
      {own.button(usualDays)}
    </Press>
  );
}

/** What came of it, and whom it touches. */
export function Tried({ trying: { data, error } }: { readonly trying: Trying }) {
  return (
    <Stack gap="xs" role="status" aria-label={own.label}>
      {error && <ProblemNotice error={error} />}
      {data && data.decisions === 0 && <Text fz="sm">{own.nothing(usualDays)}</Text>}
      {data && data.decisions > 0 && (
        <>
          <Text fz="sm" fw={600}>
            {data.sentence}
          </Text>
          <Who title={own.refused} outcome={data.newlyRefused} />
          <Who title={own.allowed} outcome={data.newlyAllowed} />
          <Who title={own.unknown} outcome={data.unknown} />
        </>
      )}
    </Stack>
  );
}

/** Devices and people by what they are called; a credential stands for itself only where it is neither's. */
function Who({
  title,
  outcome: { devices, people, credentials },
}: {
  readonly title: string;
  readonly outcome: Outcome;
}) {
  const isOfOthers = devices.count + people.count === 0;
  const items = [...devices.items, ...people.items, ...(isOfOthers ? credentials.items : [])];
  const count = isOfOthers ? credentials.count : devices.count + people.count;
  if (count === 0) return null;
  const shown = items.slice(0, mostShown);
  return (
    <Stack gap={4}>
      <Text fz="sm" fw={600}>
        {title}
      </Text>
      <List size="sm" style={{ overflowWrap: "anywhere" }}>
        {shown.map((one) => (
          <List.Item key={one.id}>
            <Touched one={one} />
          </List.Item>
        ))}
      </List>
      {count > shown.length && <Text fz="sm">{own.more(count - shown.length)}</Text>}
    </Stack>
  );
}
