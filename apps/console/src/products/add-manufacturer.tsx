import { Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import type { Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { PemArea } from "../held/index.ts";
import { Press, ProblemNotice, Program } from "../kit/index.ts";
import { useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.manufacturers;

type Asked = Reply<typeof routes.askManufacturer>;
type Values = { name: string; application: string; certificate: string; most: string; signature: string };

/** First what is to be signed, for this certificate; then the signature. What is changed above is asked about anew. */
export function AddManufacturer({ product, done }: { readonly product: Id<"product">; readonly done: () => void }) {
  const org = useOrg();
  const api = apiFor(org.id);
  const [asked, setAsked] = useState<(Asked & Pick<Values, "application" | "certificate">) | undefined>(undefined);
  const { data: applications } = useQuery({
    queryKey: ["applications", org.id],
    queryFn: ({ signal }) => api.call(routes.listApplications, { query: { limit: 1_000 }, signal }),
  });
  const form = useForm<Values>({
    initialValues: { name: "", application: "", certificate: "", most: "", signature: "" },
    validate: { most: (text) => (/^(?:[1-9]\d{0,5}|1000000)?$/.test(text.trim()) ? null : own.noNumber) },
  });
  useKept(form, "manufacturer");
  const into = ({ application }: Values): string => application || (applications?.items[0]?.id ?? "");
  const ask = useAct(async (values: Values) => {
    const { certificate } = values;
    const application = into(values);
    const answer = await api.call(routes.askManufacturer, { params: { application }, body: { certificate } });
    setAsked({ ...answer, application, certificate });
  });
  const prove = useAct(async ({ name, most, signature, certificate }: Values) => {
    const body = {
      name,
      product: product,
      certificate,
      nonce: asked?.nonce ?? "",
      signature: signature.trim(),
      ...(most.trim() !== "" && { most: Number(most) }),
    };
    await api.call(routes.createManufacturer, { params: { application: asked?.application ?? "" }, body });
    form.resetDirty();
    done();
  });
  const values = form.getValues();
  const isAsked = asked?.certificate === values.certificate && asked.application === into(values);
  const error = isAsked ? prove.error : ask.error;
  return (
    <form onSubmit={form.onSubmit((given) => (isAsked ? prove.mutate(given) : ask.mutate(given)))}>
      <Stack gap="sm">
        <TextInput label={own.name} required {...form.getInputProps("name")} />
        <Group align="flex-start" grow>
          <NativeSelect
            label={own.application}
            data={(applications?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))}
            {...form.getInputProps("application")}
          />
          <TextInput label={own.most} description={own.mostHint} inputMode="numeric" {...form.getInputProps("most")} />
        </Group>
        <PemArea label={own.certificate} description={own.certificateHint} {...form.getInputProps("certificate")} />
        {isAsked && (
          <>
            <Text fz="sm">{own.sign}</Text>
            <Program label={own.sign} text={own.command(asked.text)} />
            <Text fz="sm" c="var(--hf-dim)">
              {own.signHint}
            </Text>
            <PemArea label={own.signature} minRows={2} {...form.getInputProps("signature")} />
          </>
        )}
        {error && <ProblemNotice error={error} />}
        <Group justify="flex-end">
          <Press type="submit" why={undefined} loading={ask.isPending || prove.isPending}>
            {isAsked ? own.prove : own.next}
          </Press>
        </Group>
      </Stack>
    </form>
  );
}
