import { Group, Stack, Textarea, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Input } from "@holdfast/client";
import { isCommandName, type routes } from "@holdfast/protocol";
import type { ReactNode } from "react";
import { useAct } from "../api/index.ts";
import { Press, ProblemNotice } from "../kit/index.ts";
import { useCan, useKept } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.commands;

type Asked = Input<typeof routes.sendCommand>["body"];

/** What such a text says; `undefined` where it is no JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // it is being typed
  }
}

/** Asks for a command, and sends it. What was typed stays where it is kept under a name. */
export function CommandForm({
  kept,
  send: act,
  children,
}: {
  readonly kept: string;
  readonly send: (asked: Asked) => Promise<unknown>;
  /** What else has to be said: to whom. */
  readonly children?: ReactNode;
}) {
  const can = useCan();
  const form = useForm({
    initialValues: { name: "", body: "", expires: "1h" },
    validate: {
      name: (text) => (isCommandName(text) ? null : own.nameHint),
      body: (text) => (text.trim() === "" || jsonIn(text) !== undefined ? null : own.notJson),
      expires: (text) => (/^\d{1,6}(s|m|h|d)$/.test(text) ? null : own.expiresHint),
    },
  });
  useKept(form, kept);
  const send = useAct(async ({ name, body, expires }: typeof form.values) => {
    await act({ name, expiresIn: expires, ...(body.trim() !== "" && { body: jsonIn(body) }) });
    form.reset();
  });
  const why = can("command.send") ? undefined : words.common.notAllowed("command.send");
  return (
    <form onSubmit={form.onSubmit((values) => send.mutate(values))}>
      <Stack gap="sm" maw={640}>
        <Title order={2} fz="lg">
          {own.title}
        </Title>
        {children}
        <Group align="flex-start" grow preventGrowOverflow={false}>
          <TextInput label={own.name} description={own.nameHint} required {...form.getInputProps("name")} />
          <TextInput label={own.expires} description={own.expiresHint} required {...form.getInputProps("expires")} />
        </Group>
        <Textarea
          label={own.body}
          description={own.bodyHint}
          autosize
          minRows={2}
          spellCheck={false}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          {...form.getInputProps("body")}
        />
        {send.error && <ProblemNotice error={send.error} />}
        <Group>
          <Press type="submit" why={why} loading={send.isPending}>
            {own.send}
          </Press>
        </Group>
      </Stack>
    </form>
  );
}
