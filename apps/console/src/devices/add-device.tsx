import { Button, Group, NativeSelect, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { isId, parseId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Page, ProblemNotice } from "../kit/index.ts";
import { useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { FirstReading } from "./first-reading.tsx";

const own = words.devices.adding;

export type MadeDevice = Reply<typeof routes.createDevice>;

/** A device, its key, a program to copy, and a wait for the first reading. */
export function AddDevice() {
  const [made, setMade] = useState<MadeDevice | undefined>(undefined);
  return (
    <Page title={made ? own.titleOf(made.name) : words.devices.add} lead={made ? own.sendLead : own.lead}>
      {made ? <FirstReading device={made} /> : <Describe done={setMade} />}
    </Page>
  );
}

function Describe({ done }: { readonly done: (made: MadeDevice) => void }) {
  const org = useOrg();
  const api = apiFor(org.id);
  const { data: applications } = useSuspenseQuery({
    queryKey: ["applications", org.id],
    queryFn: ({ signal }) => api.call(routes.listApplications, { query: { limit: 1_000 }, signal }),
  });
  const { data: products } = useSuspenseQuery({
    queryKey: ["products-all", org.id],
    queryFn: ({ signal }) => api.call(routes.listProducts, { query: { limit: 1_000 }, signal }),
  });
  const form = useForm({
    initialValues: { name: "", application: String(applications.items[0]?.id ?? ""), newApplication: "", product: "" },
  });
  useKept(form);
  const make = useAct(async ({ name, application, newApplication, product }: ReturnType<typeof form.getValues>) => {
    const into =
      application === ""
        ? (await api.call(routes.createApplication, { body: { name: newApplication } })).id
        : parseId("application", application);
    return api.call(routes.createDevice, {
      body: { name, application: into, ...(isId("product", product) && { product }) },
    });
  });
  const isNew = form.getValues().application === "";
  return (
    <form onSubmit={form.onSubmit((values) => make.mutate(values, { onSuccess: done }))}>
      <Stack gap="sm" maw={480}>
        <TextInput label={words.common.name} required autoFocus {...form.getInputProps("name")} />
        <NativeSelect
          label={words.devices.application}
          data={[
            ...applications.items.map(({ id, name }) => ({ value: String(id), label: name })),
            { value: "", label: own.newApplication },
          ]}
          {...form.getInputProps("application")}
        />
        {isNew && <TextInput label={own.newApplicationName} required {...form.getInputProps("newApplication")} />}
        {products.items.length > 0 && (
          <NativeSelect
            label={words.devices.product}
            data={[
              { value: "", label: words.common.none },
              ...products.items.map(({ id, name }) => ({ value: String(id), label: name })),
            ]}
            {...form.getInputProps("product")}
          />
        )}
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
