import { Checkbox, Group, NativeSelect, SimpleGrid, Stack, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { isId } from "@holdfast/kernel";
import { transports, type Door } from "@holdfast/protocol";
import { Press, ProblemNotice } from "../kit/index.ts";
import { useKept } from "../session/index.ts";
import { Tried, TryButton, useTrying } from "../trying/index.ts";
import { words } from "../words/index.ts";
import { doorOf, faultsIn, typedOf, type Typed } from "./form.ts";

const own = words.door;

/** A door as a whole: what is left empty is not demanded. */
export function DoorForm({
  of,
  door,
  set,
}: {
  /** The device or product. */
  readonly of: string;
  readonly door: Door;
  readonly set: { mutate(door: Door): void; readonly error: Error | null; readonly isPending: boolean };
}) {
  const form = useForm<Typed>({ initialValues: typedOf(door), validate: faultsIn });
  useKept(form, "door");
  const choice = (names: Readonly<Record<string, string>>) =>
    Object.entries(names).map(([value, label]) => ({ value, label }));
  const lines = (field: "allow" | "deny" | "writable" | "readable" | "dangerous" | "hours", description: string) => (
    <Textarea label={own[field]} description={description} autosize minRows={2} {...form.getInputProps(field)} />
  );
  const isOne = isId("device", of) || isId("product", of);
  const trying = useTrying(isOne ? { kind: "door", of, door: doorOf(form.getValues()) } : undefined);
  const isNone = Object.keys(door).length === 0;
  return (
    <form onSubmit={form.onSubmit((typed) => set.mutate(doorOf(typed)))}>
      <Stack gap="sm">
        <Checkbox.Group label={own.transports} description={own.transportsHint} {...form.getInputProps("transports")}>
          <Group mt="xs">
            {transports.map((way) => (
              <Checkbox key={way} value={way} label={own.transportNames[way]} />
            ))}
          </Group>
        </Checkbox.Group>
        {form.getValues().transports.includes("socket") && (
          <NativeSelect label={own.socket} data={choice(own.socketModes)} {...form.getInputProps("socket")} />
        )}
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <NativeSelect label={own.tls} data={choice(own.tlsVersions)} {...form.getInputProps("tls")} />
          <NativeSelect label={own.proof} data={choice(own.proofs)} {...form.getInputProps("proof")} />
        </SimpleGrid>
        {lines("allow", own.whoHint)}
        {lines("deny", own.whoHint)}
        {lines("writable", own.namesHint)}
        {lines("readable", own.readableHint)}
        {lines("dangerous", own.dangerousHint)}
        <SimpleGrid cols={{ base: 1, xs: 3 }}>
          <TextInput label={own.perMinute} inputMode="numeric" {...form.getInputProps("perMinute")} />
          <TextInput label={own.burst} inputMode="numeric" {...form.getInputProps("burst")} />
          <TextInput label={own.size} inputMode="numeric" {...form.getInputProps("size")} />
        </SimpleGrid>
        {lines("hours", own.hoursHint)}
        {set.error && <ProblemNotice error={set.error} />}
        <Group>
          <Press type="submit" why={form.isDirty() ? undefined : words.common.unchanged} loading={set.isPending}>
            {own.set}
          </Press>
          <TryButton trying={trying} isGood={() => !form.validate().hasErrors} />
          {!isNone && (
            <Press type="button" variant="default" why={undefined} onClick={() => set.mutate({})}>
              {own.remove}
            </Press>
          )}
        </Group>
        <Tried trying={trying} />
      </Stack>
    </form>
  );
}
