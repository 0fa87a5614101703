import { Group, NativeSelect, Stack, Text, Textarea, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { attributeType, routes } from "@holdfast/protocol";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Confirm, Empty, Press, ProblemNotice, Scroll } from "../kit/index.ts";
import { useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { attributeOf, faultsIn, mayList, nothing, typedOf, type Attribute, type Typed } from "./typed.ts";

const own = words.products;

/** What the devices of a product measure, and what each of it may be. */
export function Attributes({
  product,
  why,
}: {
  readonly product: Reply<typeof routes.readProduct>;
  readonly why: string | undefined;
}) {
  const org = useOrg();
  const { attributes } = product;
  const change = useAct((wanted: typeof attributes) =>
    apiFor(org.id).call(routes.updateProduct, {
      params: { product: product.id },
      body: { attributes: wanted },
      ifVersion: product.version,
    }),
  );
  const [dropping, setDropping] = useState<string | undefined>(undefined);
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const form = useForm<Typed>({ initialValues: nothing, validate: faultsIn });
  useKept(form, "attribute");
  const choose = (name: string | undefined, attribute?: Attribute) => {
    setChosen(name);
    form.setValues(name !== undefined && attribute ? typedOf(name, attribute) : nothing);
    form.clearErrors();
  };
  const { type } = form.getValues();
  const all = Object.entries(attributes);
  return (
    <Stack gap="sm">
      <Title order={2} fz="lg">
        {own.attributes}
      </Title>
      {all.length === 0 ? (
        <Empty>{own.noAttributes}</Empty>
      ) : (
        <Scroll label={own.attributes}>
          <table className="hf-table">
            <thead>
              <tr>
                <th scope="col">{words.common.name}</th>
                <th scope="col">{own.type}</th>
                <th scope="col">{own.unit}</th>
                <th scope="col">{own.mayBe}</th>
                <th scope="col">{words.common.actions}</th>
              </tr>
            </thead>
            <tbody>
              {all.map(([name, attribute]) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td>{own.types[attribute.type]}</td>
                  <td>{attribute.unit ?? ""}</td>
                  <td>{mayBe(attribute)}</td>
                  <td>
                    <Group gap="xs" wrap="nowrap">
                      <Press
                        size="compact-sm"
                        variant="default"
                        aria-label={own.change(name)}
                        why={why}
                        onClick={() => choose(name, attribute)}
                      >
                        {own.edit}
                      </Press>
                      <Press
                        size="compact-sm"
                        variant="default"
                        aria-label={own.drop(name)}
                        why={why}
                        onClick={() => setDropping(name)}
                      >
                        {own.remove}
                      </Press>
                    </Group>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {dropping !== undefined && (
        <Confirm
          opened
          close={() => {
            setDropping(undefined);
            change.reset(); // what was refused was said in the dialog
          }}
          title={own.drop(dropping)}
          name={dropping}
          label={own.remove}
          act={() => change.mutateAsync(Object.fromEntries(all.filter(([other]) => other !== dropping)))}
        >
          <Text fz="sm">{own.dropHint(dropping, product.strict, product.onViolation)}</Text>
        </Confirm>
      )}
      <form
        onSubmit={form.onSubmit((typed) =>
          change.mutate({ ...attributes, [chosen ?? typed.name]: attributeOf(typed) }),
        )}
      >
        <Stack gap="xs">
          {chosen !== undefined && <Text fw={600}>{own.changing(chosen)}</Text>}
          <Group align="flex-start" gap="xs">
            {chosen === undefined && (
              <>
                <TextInput label={own.attributeName} required {...form.getInputProps("name")} />
                <NativeSelect
                  label={own.type}
                  data={attributeType.options.map((value) => ({ value, label: own.types[value] }))}
                  {...form.getInputProps("type")}
                />
              </>
            )}
            <TextInput label={own.unit} maw={96} {...form.getInputProps("unit")} />
            {type === "number" && (
              <>
                <TextInput label={own.min} maw={96} inputMode="decimal" {...form.getInputProps("min")} />
                <TextInput label={own.max} maw={96} inputMode="decimal" {...form.getInputProps("max")} />
              </>
            )}
            {mayList(type) && (
              <Textarea
                label={own.values}
                description={own.valuesHint}
                inputWrapperOrder={["label", "input", "description", "error"]}
                autosize
                minRows={1}
                {...form.getInputProps("values")}
              />
            )}
          </Group>
          {change.error && <ProblemNotice error={change.error} />}
          <Group gap="xs">
            <Press type="submit" variant="default" why={why} loading={change.isPending}>
              {chosen === undefined ? own.declare : own.keep}
            </Press>
            {chosen !== undefined && (
              <Press type="button" variant="default" why={undefined} onClick={() => choose(undefined)}>
                {own.leave}
              </Press>
            )}
          </Group>
        </Stack>
      </form>
    </Stack>
  );
}

function mayBe({ min, max, values }: Attribute): string {
  const parts = [
    ...(min === undefined && max === undefined ? [] : [own.between(min, max)]),
    ...(values ? [own.oneOf(values)] : []),
  ];
  return parts.join("; ");
}
