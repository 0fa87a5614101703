import { Group, NativeSelect, Stack, Switch, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes, violations } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { apiFor, useAct } from "../api/index.ts";
import { DoorCard } from "../doors/index.ts";
import { Confirm, EntityId, intervalFault, intervalOf, Page, paths, Press, SaveChanges } from "../kit/index.ts";
import { RetentionCard } from "../retention/index.ts";
import { useCan, useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Attributes } from "./attributes.tsx";
import { Manufacturers } from "./manufacturers.tsx";
import { wrongTime } from "./typed.ts";

type Known = Reply<typeof routes.readProduct>;
const own = words.products;

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
  const { name, strict, onViolation, times, reportingInterval: interval = "" } = product;
  const form = useForm({
    initialValues: { name, interval, strict, onViolation, past: times.past ?? "", future: times.future ?? "" },
    validate: { interval: intervalFault, past: wrongTime, future: wrongTime },
  });
  const change = useAct(({ past, future, interval: every, ...others }: ReturnType<typeof form.getValues>) =>
    apiFor(org.id).call(routes.updateProduct, {
      params,
      body: { ...others, times: { past, future }, reportingInterval: intervalOf(every) },
      ifVersion: product.version,
    }),
  );
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
          <TextInput label={words.common.interval} description={own.intervalHint} {...form.getInputProps("interval")} />
          <Title order={2} fz="lg">
            {own.schema}
          </Title>
          <Text fz="sm" c="var(--hf-dim)">
            {own.schemaVersion(product.schemaVersion)}
          </Text>
          <Switch
            label={own.onlyDeclared}
            description={own.strictHint}
            {...form.getInputProps("strict", { type: "checkbox" })}
          />
          <NativeSelect
            label={own.onViolation}
            data={violations.map((value) => ({ value, label: own.violations[value] }))}
            {...form.getInputProps("onViolation")}
          />
          <Group align="flex-start" gap="sm" grow>
            <TextInput label={own.past} {...form.getInputProps("past")} />
            <TextInput label={own.future} {...form.getInputProps("future")} />
          </Group>
          <SaveChanges why={why} isDirty={form.isDirty()} change={change} />
        </Stack>
      </form>
      <Attributes product={product} why={why} />
      <Manufacturers product={product.id} />
      <RetentionCard whose={params} />
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
