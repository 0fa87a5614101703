import { Button, Group, PasswordInput, SegmentedControl, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { isId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Page, ProblemNotice } from "../kit/index.ts";
import { useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { broughtFault, isOfSecret } from "./brought.ts";
import { FirstReading } from "./first-reading.tsx";
import { IntoFields, useInto } from "./into.tsx";
import { TakeOver } from "./take-over.tsx";

const own = words.devices.adding;
const { from } = words.handingOver;

/** A device that has just got its first key. */
export type MadeDevice = Pick<Reply<typeof routes.createDevice>, "id" | "name" | "key"> & {
  /** The secret of the key is one that it had already. */
  readonly isBrought?: boolean;
};

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
  const form = useForm({
    initialValues: { name: "", secret: "", ...into.first },
    validate: { secret: (secret, { name }) => broughtFault(secret, name) },
  });
  useKept(form);
  const make = useAct(
    async ({ name, product, secret }: ReturnType<typeof form.getValues>): Promise<MadeDevice | undefined> => {
      const application = await into.applicationOf(form);
      const isBrought = secret !== "";
      const more = { ...(isId("product", product) && { product }), ...(isBrought && { secret }) };
      try {
        const made = await api.call(routes.createDevice, { body: { name, application, ...more } });
        return isBrought ? { ...made, key: { ...made.key, secret }, isBrought } : made;
      } catch (error) {
        if (!isOfSecret(error)) throw error;
        form.setFieldError("secret", error.message);
        return undefined;
      }
    },
  );
  return (
    <form onSubmit={form.onSubmit((values) => make.mutate(values, { onSuccess: (made) => made && done(made) }))}>
      <Stack gap="sm" maw={480}>
        <TextInput
          label={words.common.name}
          required
          autoFocus={document.querySelector("[role=dialog]") === null} // who is typing over this page goes on there
          {...form.getInputProps("name")}
        />
        <IntoFields into={into} form={form} />
        <PasswordInput
          label={own.bring}
          description={own.bringHint}
          autoComplete="off"
          {...form.getInputProps("secret")}
          // The kit tells it to who sees alone.
          aria-invalid={form.errors["secret"] !== undefined}
        />
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
