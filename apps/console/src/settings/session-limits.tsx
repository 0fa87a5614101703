import { Group, NumberInput, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { mostSessionMinutes, routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { apiFor, useAct } from "../api/index.ts";
import { SaveChanges } from "../kit/index.ts";
import { useCan, useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.sessionLimits;

/** As it is typed: an empty field is none. */
type Typed = { hours: number | ""; minutes: number | "" };
type Values = { absolute: Typed; idle: Typed };

const usual = { absoluteMinutes: 12 * 60, idleMinutes: 2 * 60 };
const typed = (minutes: number): Typed => ({ hours: Math.floor(minutes / 60), minutes: minutes % 60 });
const minutesOf = ({ hours, minutes }: Typed): number => Number(hours) * 60 + Number(minutes);

/** For how long people stay signed in to this organisation with one sign-in. */
export function SessionLimits() {
  const org = useOrg();
  const can = useCan();
  const { data } = useSuspenseQuery({
    queryKey: ["org", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readOrg, { signal }),
  });
  const { absoluteMinutes = usual.absoluteMinutes, idleMinutes = usual.idleMinutes } = data.demands.sessions ?? {};
  const form = useForm<Values>({
    initialValues: { absolute: typed(absoluteMinutes), idle: typed(idleMinutes) },
    validate: {
      absolute: { minutes: (_, { absolute }) => fault(minutesOf(absolute), 15) },
      idle: { minutes: (_, { idle }) => fault(minutesOf(idle), 5) },
    },
  });
  useKept(form, "session limits");
  const change = useAct(({ absolute, idle }: Values) => {
    const sessions = { absoluteMinutes: minutesOf(absolute), idleMinutes: minutesOf(idle) };
    return apiFor(org.id).call(routes.updateOrg, { body: { demands: { ...data.demands, sessions } } });
  });
  const why = can("org.update") ? undefined : words.common.notAllowed("org.update");
  return (
    <form onSubmit={form.onSubmit((values) => change.mutate(values, { onSuccess: () => form.resetDirty() }))}>
      <Stack gap="sm" maw={560}>
        <Text fz="sm">{own.lead}</Text>
        {(["absolute", "idle"] as const).map((limit) => (
          <Stack key={limit} gap={4} component="fieldset" bd={0} p={0} m={0}>
            <Text component="legend" fz="sm" fw={500}>
              {own[limit]}
            </Text>
            <Text fz="xs" c="var(--hf-dim)">
              {own.hints[limit]}
            </Text>
            <Group gap="xs" align="flex-start">
              {(["hours", "minutes"] as const).map((part) => (
                <NumberInput
                  key={part}
                  label={own[part]}
                  w={120}
                  min={0}
                  max={part === "hours" ? mostSessionMinutes / 60 : 59}
                  allowDecimal={false}
                  allowNegative={false}
                  {...form.getInputProps(`${limit}.${part}`)}
                />
              ))}
            </Group>
          </Stack>
        ))}
        <SaveChanges why={why} isDirty={form.isDirty()} change={change} />
      </Stack>
    </form>
  );
}

const fault = (minutes: number, least: number): string | null =>
  minutes >= least && minutes <= mostSessionMinutes ? null : own.range(least);
