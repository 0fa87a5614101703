import { Button, Group, SegmentedControl, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { isId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Page, ProblemNotice } from "../kit/index.ts";
import { useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { FirstReading } from "./first-reading.tsx";
import { IntoFields, useInto } from "./into.tsx";
import { TakeOver } from "./take-over.tsx";

const own = words.devices.adding;
const { from } = words.handingOver;

/** A device that has just got its first key. */
export type MadeDevice = Pick<Reply<typeof routes.createDevice>, "id" | "name" | "key">;

/** A device, its key, a program to copy, and a wait for the first reading. */
export function AddDevice() {
  const [made, setMade] = useState<MadeDevice | undefined>(undefined);
  const [what, setWhat] = useState<"fresh" | "take">("fresh");
  if (made) {
    return (
      <Page title={own.titleOf(made.name)} lead={own.sendLead}>
        <FirstReading device={made} />
      </Page>
    );
  }
  return (
    <Page title={words.devices.add} lead={own.lead}>
      <SegmentedControl
        aria-label={from.choice}
        value={what}
        data={[
          { value: "fresh", label: from.fresh },
          { value: "take", label: from.take },
        ]}
        onChange={setWhat}
      />
      {what === "fresh" ? <Describe done={setMade} /> : <TakeOver done={setMade} />}
    </Page>
  );
}

function Describe({ done }: { readonly done: (made: MadeDevice) => void }) {
  const org = useOrg();
  const api = apiFor(org.id);
  const into = useInto();
  const form = useForm({ initialValues: { name: "", ...into.first } });
  useKept(form);
  const make = useAct(async ({ name, product }: ReturnType<typeof form.getValues>) => {
    const application = await into.applicationOf(form);
    return api.call(routes.createDevice, {
      body: { name, application, ...(isId("product", product) && { product }) },
    });
  });
  return (
    <form onSubmit={form.onSubmit((values) => make.mutate(values, { onSuccess: done }))}>
      <Stack gap="sm" maw={480}>
        <TextInput label={words.common.name} required autoFocus {...form.getInputProps("name")} />
        <IntoFields into={into} form={form} />
        {make.error && <ProblemNotice error={make.error} />}
        <Group>
          <Button type="submit" loading={make.isPending}>
            {words.devices.add}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
