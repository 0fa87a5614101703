import { Button, Group as Row, Modal, Stack, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { duration, isCommandName, routes } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";
import { jsonIn } from "../commanding/index.ts";
import { ProblemNotice } from "../kit/index.ts";
import { useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Group } from "./group.tsx";

const own = words.groups.tasks;
const most = 30 * 86_400_000; // milliseconds

const isLength = (text: string): boolean => {
  const { success, data } = duration.safeParse(text);
  return success && data <= most;
};

/** A task for the board: one of the devices does it. */
export function PutTask({
  group,
  opened,
  close,
}: {
  readonly group: Group;
  readonly opened: boolean;
  readonly close: () => void;
}) {
  const org = useOrg();
  const form = useForm({
    initialValues: { name: "", body: "", expires: "24h" },
    validate: {
      name: (text) => (isCommandName(text) ? null : own.nameFault),
      body: (text) => (text.trim() === "" || jsonIn(text) !== undefined ? null : own.notJson),
      expires: (text) => (isLength(text) ? null : own.expiresFault),
    },
  });
  useKept(form, "task");
  const put = useAct(({ name, body, expires }: ReturnType<typeof form.getValues>) =>
    apiFor(org.id).call(routes.putTask, {
      params: { application: group.application, group: group.id },
      body: { name, expiresIn: expires, ...(body.trim() !== "" && { body: jsonIn(body) }) },
    }),
  );
  const leave = () => {
    put.reset();
    form.reset();
    close();
  };
  return (
    <Modal opened={opened} onClose={leave} title={own.put} closeButtonProps={{ "aria-label": words.common.close }}>
      <form onSubmit={form.onSubmit((typed) => put.mutate(typed, { onSuccess: leave }))}>
        <Stack gap="sm">
          <TextInput
            label={own.name}
            description={own.nameHint}
            required
            data-autofocus
            {...form.getInputProps("name")}
          />
          <Textarea
            label={own.body}
            description={own.bodyHint}
            autosize
            minRows={3}
            spellCheck={false}
            styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
            {...form.getInputProps("body")}
          />
          <TextInput label={own.expires} description={own.expiresHint} required {...form.getInputProps("expires")} />
          {put.error && <ProblemNotice error={put.error} />}
          <Row>
            <Button type="submit" loading={put.isPending}>
              {own.put}
            </Button>
          </Row>
        </Stack>
      </form>
    </Modal>
  );
}
