import { Button, Fieldset, Group, Modal, NativeSelect, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { routes, type Role } from "@holdfast/protocol";
import { useRoles } from "../access/index.ts";
import { apiFor, useAct } from "../api/index.ts";
import { ProblemNotice } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { typedOf, writtenOf, type Typed } from "./typed.ts";
import type { Provider } from "./use-providers.ts";

const own = words.providers.form;

/** Enters a provider, or changes what is said of one. */
export function ProviderForm({ provider, close }: { readonly provider?: Provider; readonly close: () => void }) {
  const api = apiFor(useOrg().id);
  const { options } = useRoles();
  const form = useForm<Typed>({ initialValues: typedOf(provider) });
  const save = useAct(async (typed: Typed) => {
    const written = writtenOf(typed);
    await (provider
      ? api.call(routes.updateProvider, {
          params: { provider: provider.id },
          body: { ...written.changed, ...(typed.clientSecret !== "" && { clientSecret: typed.clientSecret }) },
          ifVersion: provider.version,
        })
      : api.call(routes.createProvider, {
          body: { ...written.made, ...(typed.clientSecret !== "" && { clientSecret: typed.clientSecret }) },
        }));
    close();
  });
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={provider ? words.providers.of(words.providers.change, provider.name) : words.providers.added}
      closeButtonProps={{ "aria-label": words.common.close }}
    >
      <form onSubmit={form.onSubmit((typed) => save.mutate(typed))}>
        <Stack gap="sm">
          <TextInput label={own.name} required maxLength={100} data-autofocus {...form.getInputProps("name")} />
          <TextInput
            label={own.issuer}
            description={own.issuerHint}
            type="url"
            required
            placeholder="https://login.example.com"
            {...form.getInputProps("issuer")}
          />
          <TextInput label={own.clientId} required autoComplete="off" {...form.getInputProps("clientId")} />
          <PasswordInput
            label={own.secret}
            description={provider?.hasSecret ? own.secretKept : own.secretHint}
            autoComplete="off"
            {...form.getInputProps("clientSecret")}
          />
          <TextInput label={own.scopes} description={own.scopesHint} {...form.getInputProps("scopes")} />
          <TextInput label={own.shortName} description={own.shortNameHint} {...form.getInputProps("shortName")} />
          <NativeSelect
            label={own.joins}
            data={[{ value: "", label: own.nobody }, ...options]}
            {...form.getInputProps("joins")}
          />
          <TextInput label={own.claim} description={own.claimHint} {...form.getInputProps("claim")} />
          {form.getValues().claim.trim() !== "" && <RoleRows form={form} options={options} />}
          <Group grow align="flex-start">
            <TextInput label={own.amr} {...form.getInputProps("amr")} />
            <TextInput label={own.acr} {...form.getInputProps("acr")} />
          </Group>
          <Text fz="sm" c="var(--hf-dim)">
            {own.factorHint} {own.madeBy}
          </Text>
          {save.error && <ProblemNotice error={save.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {words.common.cancel}
            </Button>
            <Button type="submit" loading={save.isPending}>
              {own.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** What people become by what the claim says; the first that they have decides. */
function RoleRows({
  form,
  options,
}: {
  readonly form: ReturnType<typeof useForm<Typed>>;
  readonly options: { value: Role; label: string }[];
}) {
  const { map } = form.getValues();
  return (
    <Fieldset legend={words.providers.facts.roles}>
      <Stack gap="xs">
        {map.map((_, at) => (
          // A row has nothing but its place.
          <Group key={at} gap="xs" align="flex-end" wrap="nowrap">
            <TextInput label={own.value} flex={1} {...form.getInputProps(`map.${at}.value`)} />
            <NativeSelect label={own.role} flex={1} data={options} {...form.getInputProps(`map.${at}.role`)} />
            <Button
              variant="default"
              aria-label={`${own.less} ${at + 1}`}
              onClick={() => form.removeListItem("map", at)}
            >
              −
            </Button>
          </Group>
        ))}
        <Group>
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => form.insertListItem("map", { value: "", role: options[0]?.value ?? "viewer" })}
          >
            {own.more}
          </Button>
        </Group>
      </Stack>
    </Fieldset>
  );
}
