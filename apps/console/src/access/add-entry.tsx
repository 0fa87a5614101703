import { Button, Group, Modal, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { listed, routes, type Listed, type ListName } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";
import { ProblemNotice } from "../kit/index.ts";
import { useKept, useOrg } from "../session/index.ts";
import { Tried, TryButton, useTrying } from "../trying/index.ts";
import { words } from "../words/index.ts";

const own = words.lists;
type Typed = { list: ListName; what: Listed; value: string; comment: string; lifetime: string };
const inOrder = ["deny", "allow"] as const;

/** Puts something on a list; what contradicts other entries is said, and it is done all the same. */
export function AddEntry({ opened, close }: { readonly opened: boolean; readonly close: () => void }) {
  const org = useOrg();
  const form = useForm<Typed>({
    initialValues: { list: "deny", what: "address", value: "", comment: "", lifetime: "" },
  });
  useKept(form, "list entry");
  const add = useAct(({ lifetime, value, ...typed }: Typed) =>
    apiFor(org.id).call(routes.createListEntry, {
      body: { ...typed, value: value.trim(), ...(lifetime !== "" && { expiresIn: lifetime }) },
    }),
  );
  const { list, what, value: typed } = form.getValues();
  const trying = useTrying({ kind: "entryAdded", list, what, value: typed.trim() });
  const leave = () => {
    add.reset();
    form.reset();
    close();
  };
  const warnings = add.data?.warnings ?? [];
  return (
    <Modal opened={opened} onClose={leave} title={own.add} closeButtonProps={{ "aria-label": words.common.close }}>
      {warnings.length > 0 ? (
        <Stack gap="sm" role="status">
          {warnings.map((warning) => (
            <Text key={warning} fz="sm">
              {warning}
            </Text>
          ))}
          <Group>
            <Button variant="default" onClick={leave}>
              {words.common.close}
            </Button>
          </Group>
        </Stack>
      ) : (
        <form
          onSubmit={form.onSubmit((typed) =>
            add.mutate(typed, { onSuccess: ({ warnings: told }) => (told.length === 0 ? leave() : undefined) }),
          )}
        >
          <Stack gap="sm">
            <NativeSelect
              label={own.list}
              data={inOrder.map((value) => ({ value, label: own.namesInFull[value] }))}
              {...form.getInputProps("list")}
            />
            <NativeSelect
              label={own.what}
              data={listed.map((value) => ({ value, label: own.whats[value] }))}
              {...form.getInputProps("what")}
            />
            <TextInput
              label={own.value}
              description={own.hints[form.getValues().what]}
              required
              data-autofocus
              {...form.getInputProps("value")}
            />
            <TextInput label={own.comment} {...form.getInputProps("comment")} />
            <NativeSelect
              label={words.access.lifetime}
              data={Object.entries({ ...words.access.lifetimes }).map(([value, label]) => ({ value, label }))}
              {...form.getInputProps("lifetime")}
            />
            {add.error && <ProblemNotice error={add.error} />}
            <Group>
              <Button type="submit" loading={add.isPending}>
                {own.add}
              </Button>
              <TryButton trying={trying} why={typed.trim() === "" ? own.hints[what] : undefined} />
            </Group>
            <Tried trying={trying} />
          </Stack>
        </form>
      )}
    </Modal>
  );
}
