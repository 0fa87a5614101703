import { Group, NativeSelect, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { routes, type Keep } from "@holdfast/protocol";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Press, ProblemNotice } from "../kit/index.ts";
import { useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Rule, Whose } from "./retention-card.tsx";

const own = words.retention;

type Choice = keyof typeof own.choices;
type Typed = { choice: Choice; days: number | "" };
type Values = { all: Typed; attributes: (Typed & { name: string })[] };
type Going = Reply<typeof routes.previewOrgRetention>;

const usual = 365;
const typed = (keep: Keep | undefined): Typed => ({
  choice: keep === undefined ? "inherit" : keep === "forever" ? "forever" : "days",
  days: typeof keep === "number" ? keep : usual,
});
const keepOf = ({ choice, days }: Typed): Keep | undefined =>
  choice === "inherit" ? undefined : choice === "forever" ? "forever" : Number(days);

function ruleOf({ all, attributes }: Values): Rule {
  const keep = keepOf(all);
  const named = attributes.flatMap((one): [string, Keep][] => {
    const kept = keepOf(one);
    return one.name === "" || kept === undefined ? [] : [[one.name, kept]];
  });
  return { ...(keep !== undefined && { keep }), ...(named.length > 0 && { attributes: Object.fromEntries(named) }) };
}

/** What is typed is tried out before it holds: what goes is gone for good. */
export function RetentionForm({
  whose: { product },
  rule,
  done,
}: {
  readonly whose: Whose;
  readonly rule: Rule;
  readonly done: () => void;
}) {
  const api = apiFor(useOrg().id);
  const [tried, setTried] = useState<{ readonly rule: Rule; readonly going: Going } | undefined>(undefined);
  const form = useForm<Values>({
    initialValues: {
      all: typed(rule.keep),
      attributes: Object.entries(rule.attributes ?? {}).map(([name, keep]) => ({ name, ...typed(keep) })),
    },
    onValuesChange: () => setTried(undefined),
  });
  useKept(form, "retention");
  const preview = useAct(async (asked: Rule) => {
    const going =
      product === undefined
        ? await api.call(routes.previewOrgRetention, { body: { keep: asked.keep ?? "forever" } })
        : await api.call(routes.previewProductRetention, { params: { product }, body: asked });
    setTried({ rule: asked, going });
  });
  const set = useAct(async (asked: Rule) => {
    await (product === undefined
      ? api.call(routes.setOrgRetention, { body: { keep: asked.keep ?? "forever" } })
      : api.call(routes.setProductRetention, { params: { product }, body: asked }));
    form.resetDirty();
    done();
  });
  const choices = (withInherit: boolean) =>
    (Object.keys(own.choices) as Choice[]) // the keys of a constant
      .filter((choice) => withInherit || choice !== "inherit")
      .map((value) => ({ value, label: own.choices[value] }));
  const error = set.error ?? preview.error;
  return (
    <form onSubmit={form.onSubmit((values) => (tried ? set.mutate(tried.rule) : preview.mutate(ruleOf(values))))}>
      <Stack gap="sm">
        <Kept label={own.all} path="all" form={form} choices={choices(product !== undefined)} />
        {product !== undefined && (
          <>
            {form.values.attributes.map((_, at) => (
              <Group key={at} align="flex-end" gap="xs" wrap="wrap">
                <TextInput label={own.attribute} required {...form.getInputProps(`attributes.${at}.name`)} />
                <Kept label={own.kept} path={`attributes.${at}`} form={form} choices={choices(true)} />
              </Group>
            ))}
            <Group>
              <Press
                variant="default"
                why={undefined}
                onClick={() => form.insertListItem("attributes", { name: "", ...typed(usual) })}
              >
                {own.add}
              </Press>
            </Group>
          </>
        )}
        {tried && (
          <Text fz="sm" role="status">
            {own.wouldGo(tried.going.points, tried.going.bytes)} {own.straddling(tried.going.straddling)}
          </Text>
        )}
        {error && <ProblemNotice error={error} />}
        <Group justify="flex-end">
          <Press
            type="submit"
            {...(tried && tried.going.points > 0 && { color: "red" })}
            why={form.isDirty() ? undefined : words.common.unchanged}
            loading={set.isPending || preview.isPending}
          >
            {tried ? own.set : own.preview}
          </Press>
        </Group>
      </Stack>
    </form>
  );
}

function Kept({
  label,
  path,
  form,
  choices,
}: {
  readonly label: string;
  readonly path: string;
  readonly form: ReturnType<typeof useForm<Values>>;
  readonly choices: readonly { readonly value: Choice; readonly label: string }[];
}) {
  const { value } = form.getInputProps(`${path}.choice`) as { value: Choice }; // of one of these
  return (
    <Group align="flex-end" gap="xs">
      <NativeSelect label={label} data={[...choices]} {...form.getInputProps(`${path}.choice`)} />
      {value === "days" && (
        <NumberInput
          label={own.days}
          w={112}
          min={1}
          max={36_500}
          required
          allowDecimal={false}
          allowNegative={false}
          {...form.getInputProps(`${path}.days`)}
        />
      )}
    </Group>
  );
}
