import { Checkbox, Group, NativeSelect, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor, useAct } from "../api/index.ts";
import { Press, ProblemNotice } from "../kit/index.ts";
import { useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { causes, faultsIn, fieldsOf, wantedOf, type Rule, type RuleFields } from "./rule-fields.ts";
import { ToldPeople, ToldWebhooks } from "./told.tsx";

const own = words.alerts.rules;

/** A rule that is made, or changed as a whole: what somebody else changed meanwhile is not overwritten. */
export function RuleForm({ rule, done }: { readonly rule: Rule | undefined; readonly done: () => void }) {
  const org = useOrg();
  const api = apiFor(org.id);
  const form = useForm<RuleFields>({ initialValues: fieldsOf(rule), validate: faultsIn });
  useKept(form, rule?.id ?? "rule");
  const save = useAct((fields: RuleFields) => {
    const body = wantedOf(fields);
    if (!rule) return api.call(routes.createAlertRule, { body });
    return api.call(routes.updateAlertRule, { params: { rule: rule.id }, body, ifVersion: rule.version });
  });
  const values = form.getValues();
  const why = rule && !form.isDirty() ? words.common.unchanged : undefined;
  return (
    <form onSubmit={form.onSubmit((fields) => save.mutate(fields, { onSuccess: done }))}>
      <Stack gap="md">
        <TextInput label={own.name} required data-autofocus {...form.getInputProps("name")} />
        <Checkbox.Group label={own.states} {...form.getInputProps("states")}>
          <Stack gap="xs" mt="xs">
            {causes.map((cause) => (
              <Checkbox key={cause} value={cause} label={own.causes[cause]} />
            ))}
          </Stack>
        </Checkbox.Group>
        <TextInput label={own.after} description={own.afterHint} required {...form.getInputProps("after")} />
        <NativeSelect
          label={own.of}
          data={Object.entries(own.ofs).map(([value, label]) => ({ value, label }))}
          {...form.getInputProps("by")}
        />
        {values.by === "product" && <Product {...form.getInputProps("product")} />}
        {values.by === "tag" && (
          <Group gap="xs" grow align="flex-start">
            <TextInput label={own.tagKey} withAsterisk {...form.getInputProps("key")} />
            <TextInput label={own.tagValue} {...form.getInputProps("value")} />
          </Group>
        )}
        <ToldPeople told={values.people} change={(people) => form.setFieldValue("people", [...people])} />
        <ToldWebhooks told={values.webhooks} change={(webhooks) => form.setFieldValue("webhooks", [...webhooks])} />
        {save.error && <ProblemNotice error={save.error} />}
        <Group>
          <Press type="submit" why={why} loading={save.isPending}>
            {rule ? words.common.save : own.make}
          </Press>
        </Group>
      </Stack>
    </form>
  );
}

function Product(field: object) {
  const org = useOrg();
  const { data } = useQuery({
    queryKey: ["products-all", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listProducts, { query: { limit: 1_000 }, signal }),
  });
  const all = (data?.items ?? []).map(({ id, name }) => ({ value: String(id), label: name }));
  return <NativeSelect label={own.product} withAsterisk data={[{ value: "", label: "" }, ...all]} {...field} />;
}
