import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import type { ReactNode } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { OnceDialog, ProblemNotice, SaveChanges, SecretOnce } from "../kit/index.ts";
import { useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

export type Webhook = Reply<typeof routes.listWebhooks>["items"][number];
type Typed = { name: string; url: string };
const own = words.alerts.webhooks;

const isAddress = (text: string): boolean => URL.canParse(text) && new URL(text).protocol === "https:";
const validate = { url: (text: string) => (isAddress(text.trim()) ? null : own.urlFault) };
const bodyOf = ({ name, url }: Typed) => ({ name, url: url.trim() });

/** A webhook, and its secret, this once. */
export function AddWebhook({ opened, close }: { readonly opened: boolean; readonly close: () => void }) {
  const org = useOrg();
  const form = useForm<Typed>({ initialValues: { name: "", url: "" }, validate });
  useKept(form, "webhook");
  const make = useAct((typed: Typed) => apiFor(org.id).call(routes.createWebhook, { body: bodyOf(typed) }));
  const leave = () => {
    make.reset();
    form.reset();
    close();
  };
  const made = make.data && (
    <>
      <SecretOnce label={own.secret} secret={make.data.secret ?? ""} file={`${make.data.id}.txt`} />
      <Text fz="sm">{own.secretHint}</Text>
    </>
  );
  return (
    <OnceDialog opened={opened} close={leave} title={own.add} size="lg" made={made}>
      <form onSubmit={form.onSubmit((typed) => make.mutate(typed))}>
        <Fields of={(name) => form.getInputProps(name)}>
          {make.error && <ProblemNotice error={make.error} />}
          <Group>
            <Button type="submit" loading={make.isPending}>
              {own.make}
            </Button>
          </Group>
        </Fields>
      </form>
    </OnceDialog>
  );
}

/** Its name and address; the secret stays. */
export function ChangeWebhook({ webhook, close }: { readonly webhook: Webhook; readonly close: () => void }) {
  const org = useOrg();
  const form = useForm<Typed>({ initialValues: { name: webhook.name, url: webhook.url }, validate });
  useKept(form, webhook.id);
  const change = useAct((typed: Typed) =>
    apiFor(org.id).call(routes.updateWebhook, {
      params: { webhook: webhook.id },
      body: bodyOf(typed),
      ifVersion: webhook.version,
    }),
  );
  return (
    <Modal opened onClose={close} title={own.change} size="lg" closeButtonProps={{ "aria-label": words.common.close }}>
      <form onSubmit={form.onSubmit((typed) => change.mutate(typed, { onSuccess: close }))}>
        <Fields of={(name) => form.getInputProps(name)}>
          <SaveChanges why={undefined} isDirty={form.isDirty()} change={change} />
        </Fields>
      </form>
    </Modal>
  );
}

function Fields({ of, children }: { readonly of: (name: keyof Typed) => object; readonly children: ReactNode }) {
  return (
    <Stack gap="sm">
      <TextInput label={words.common.name} required data-autofocus {...of("name")} />
      <TextInput
        label={own.url}
        description={own.urlHint}
        placeholder="https://example.com/alerts"
        required
        {...of("url")}
      />
      {children}
    </Stack>
  );
}
