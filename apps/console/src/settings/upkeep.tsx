import { Checkbox, NumberInput, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { apiFor, useAct } from "../api/index.ts";
import { SaveChanges } from "../kit/index.ts";
import { useCan, useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.security;

/** What the organisation wants done about secrets that are old, or that others may have read. */
export function Upkeep() {
  const org = useOrg();
  const can = useCan();
  const { data } = useSuspenseQuery({
    queryKey: ["upkeep", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readUpkeep, { signal }),
  });
  const form = useForm({ initialValues: data });
  useKept(form, "upkeep");
  const change = useAct((body: typeof data) => apiFor(org.id).call(routes.updateUpkeep, { body }));
  const why = can("org.update") ? undefined : words.common.notAllowed("org.update");
  return (
    <form onSubmit={form.onSubmit((body) => change.mutate(body, { onSuccess: () => form.resetDirty() }))}>
      <Stack gap="sm" maw={560}>
        <Checkbox
          label={own.endExposed}
          description={own.endExposedHint}
          {...form.getInputProps("endExposed", { type: "checkbox" })}
        />
        <NumberInput
          label={own.oldAfter}
          description={own.oldAfterHint}
          min={1}
          max={3_650}
          {...form.getInputProps("oldAfterDays")}
        />
        <NumberInput
          label={own.endingWithin}
          description={own.endingWithinHint}
          min={1}
          max={3_650}
          {...form.getInputProps("endingWithinDays")}
        />
        <SaveChanges why={why} isDirty={form.isDirty()} change={change} />
      </Stack>
    </form>
  );
}
