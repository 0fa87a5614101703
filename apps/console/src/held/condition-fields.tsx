import { Checkbox, Fieldset, Group, Stack, Text, Textarea, TextInput } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { transports } from "@holdfast/protocol";
import { words } from "../words/index.ts";
import type { AskedConditions } from "./conditions.ts";

const own = words.access;

/** Where, when, how often and by what a new credential is to be good. */
export function ConditionFields({
  of,
  isPublic,
}: {
  readonly of: (name: keyof AskedConditions) => ReturnType<UseFormReturnType<AskedConditions>["getInputProps"]>;
  /** Everybody can read it: it needs origins. */
  readonly isPublic: boolean;
}) {
  return (
    <Fieldset legend={own.conditions}>
      <Stack gap="xs">
        <Text fz="sm">{own.conditionsHint}</Text>
        {isPublic && (
          <Textarea
            label={own.originsLabel}
            required
            autosize
            minRows={1}
            placeholder="https://app.example"
            {...of("origins")}
          />
        )}
        <Textarea label={own.fromLabel} autosize minRows={1} placeholder="192.0.2.0/24" {...of("from")} />
        <Textarea
          label={own.hoursLabel}
          autosize
          minRows={1}
          placeholder="mon-fri 08:00-18:00 Europe/Berlin"
          {...of("hours")}
        />
        <TextInput label={own.rateLabel} inputMode="numeric" pattern="[0-9]{1,5}" maw={200} {...of("rate")} />
        <Checkbox.Group label={own.transportsLabel} {...of("transports")}>
          <Group mt={4}>
            {transports.map((one) => (
              <Checkbox key={one} value={one} label={own.transports[one]} />
            ))}
          </Group>
        </Checkbox.Group>
      </Stack>
    </Fieldset>
  );
}
