import { Group, NativeSelect, Stack, Switch, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { apiFor, useAct } from "../api/index.ts";
import { DoorCard } from "../doors/index.ts";
import { Confirm, Empty, EntityId, Page, paths, Scroll, Press, SaveChanges } from "../kit/index.ts";
import { useCan, useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

type Known = Reply<typeof routes.readProduct>;
const own = words.products;
const types = ["number", "boolean", "text"] as const;

/** One product: its name, how strict it is, and what its devices measure. */
export function Product() {
  const org = useOrg();
  const { product = "" } = useParams({ strict: false });
  const { data } = useSuspenseQuery({
    queryKey: ["product", org.id, product],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readProduct, { params: { product }, signal }),
  });
  // A change by somebody else begins the form anew.
  return <ProductPage key={data.version} product={data} />;
}

function ProductPage({ product }: { readonly product: Known }) {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const [isEnding, ending] = useDisclosure(false);
  const params = { product: product.id };
  const change = useAct((body: { name?: string; strict?: boolean; attributes?: Known["attributes"] }) =>
    apiFor(org.id).call(routes.updateProduct, { params, body, ifVersion: product.version }),
  );
  const form = useForm({ initialValues: { name: product.name, strict: product.strict } });
  useKept(form);
  const mayChange = can("product.update");
  const why = mayChange ? undefined : words.common.notAllowed("product.update");
  return (
    <Page
      title={product.name}
      lead={<EntityId id={product.id} />}
      actions={
        <Press
          variant="default"
          onClick={ending.open}
          why={can("product.delete") ? undefined : words.common.notAllowed("product.delete")}
        >
          {own.end}
        </Press>
      }
    >
      <form onSubmit={form.onSubmit((body) => change.mutate(body))}>
        <Stack gap="sm" maw={480}>
          <TextInput label={words.common.name} required {...form.getInputProps("name")} />
          <Switch
            label={own.onlyDeclared}
            description={own.strictHint}
            {...form.getInputProps("strict", { type: "checkbox" })}
          />
          <SaveChanges why={why} isDirty={form.isDirty()} change={change} />
        </Stack>
      </form>
      <Attributes
        attributes={product.attributes}
        why={why}
        change={(attributes) => change.mutateAsync({ attributes })}
      />
      <DoorCard whose={params} />
      <Confirm
        opened={isEnding}
        close={ending.close}
        title={own.end}
        label={own.end}
        name={product.name}
        act={async () => {
          await apiFor(org.id).call(routes.deleteProduct, { params });
          await navigate({ to: paths.products, params: { org: org.id } });
        }}
      >
        {own.endHint}
      </Confirm>
    </Page>
  );
}

function Attributes({
  attributes,
  why,
  change,
}: {
  readonly attributes: Known["attributes"];
  readonly why: string | undefined;
  readonly change: (attributes: Known["attributes"]) => Promise<unknown>;
}) {
  const form = useForm({ initialValues: { name: "", type: types[0], unit: "" } });
  useKept(form, "attribute");
  const all = Object.entries(attributes);
  const submit = form.onSubmit(async ({ name, type, unit }) => {
    await change({ ...attributes, [name]: { type, ...(unit !== "" && { unit }) } });
    form.reset();
  });
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
              </tr>
            </thead>
            <tbody>
              {all.map(([name, { type, unit }]) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td>{own.types[type]}</td>
                  <td>{unit ?? ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <form onSubmit={submit}>
        <Group align="flex-end" gap="xs">
          <TextInput label={own.attributeName} required {...form.getInputProps("name")} />
          <NativeSelect
            label={own.type}
            data={types.map((type) => ({ value: type, label: own.types[type] }))}
            {...form.getInputProps("type")}
          />
          <TextInput label={own.unit} maw={96} {...form.getInputProps("unit")} />
          <Press type="submit" variant="default" why={why}>
            {own.declare}
          </Press>
        </Group>
      </form>
    </Stack>
  );
}
