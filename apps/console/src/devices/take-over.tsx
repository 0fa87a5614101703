import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { isId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";
import { ProblemNotice } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { MadeDevice } from "./add-device.tsx";
import { IntoFields, useInto } from "./into.tsx";

const own = words.handingOver.from;

/** A device of another organisation, by the code that it made. The code is a secret until it is used: unlike other forms this one is kept nowhere. */
export function TakeOver({ done }: { readonly done: (made: MadeDevice) => void }) {
  const org = useOrg();
  const api = apiFor(org.id);
  const into = useInto();
  const form = useForm({ initialValues: { code: "", ...into.first } });
  const take = useAct(async ({ code, product }: ReturnType<typeof form.getValues>) => {
    const application = await into.applicationOf(form);
    const {
      device: id,
      name,
      key,
    } = await api.call(routes.takeHandover, {
      params: { application },
      body: { code, ...(isId("product", product) && { product }) },
    });
    return { id, name, key };
  });
  return (
    <form onSubmit={form.onSubmit((values) => take.mutate(values, { onSuccess: done }))}>
      <Stack gap="sm" maw={480}>
        <Text fz="sm">{own.lead}</Text>
        <TextInput
          label={own.code}
          description={own.codeHint}
          required
          autoComplete="off"
          spellCheck={false}
          {...form.getInputProps("code")}
        />
        <IntoFields into={into} form={form} />
        {take.error && <ProblemNotice error={take.error} />}
        <Group>
          <Button type="submit" loading={take.isPending}>
            {own.go}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
