import { Button, Modal, Stack, Switch, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Link, useNavigate } from "@tanstack/react-router";
import { apiFor, useAct, useList } from "../api/index.ts";
import {
  columnsOf,
  DataTable,
  Empty,
  EntityId,
  Listing,
  Moment,
  Page,
  paths,
  ProblemNotice,
  Press,
} from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

type Row = Reply<typeof routes.listProducts>["items"][number];
const own = words.products;

/** Classes of devices, and what they measure. */
export function Products() {
  const org = useOrg();
  const can = useCan();
  const [isMaking, making] = useDisclosure(false);
  const list = useList(["products", org.id], (cursor, signal) =>
    apiFor(org.id).call(routes.listProducts, { query: { cursor }, signal }),
  );
  const columns = columnsOf<Row>([
    {
      id: "name",
      head: words.common.name,
      width: 160,
      grows: true,
      cell: ({ id, name }) => (
        <Link to={paths.product} params={{ org: org.id, product: id }}>
          {name}
        </Link>
      ),
    },
    {
      id: "attributes",
      head: own.attributes,
      width: 200,
      grows: true,
      cell: ({ attributes }) => Object.keys(attributes).join(", "),
    },
    {
      id: "strict",
      head: own.strict,
      width: 190,
      cell: ({ strict }) => (strict ? own.onlyDeclared : own.anyAttribute),
    },
    { id: "created", head: words.common.created, width: 120, cell: ({ createdAt }) => <Moment at={createdAt} /> },
    { id: "id", head: words.common.id, width: 276, cell: ({ id }) => <EntityId id={id} /> },
  ]);
  const mayMake = can("product.create");
  const add = (
    <Press onClick={making.open} why={mayMake ? undefined : words.common.notAllowed("product.create")}>
      {own.add}
    </Press>
  );
  return (
    <Page title={words.places.products} lead={own.lead} actions={add}>
      <Listing list={list} empty={<Empty next={add}>{own.empty}</Empty>}>
        <DataTable
          label={words.places.products}
          {...list}
          columns={columns}
          idOf={({ id }) => id}
          nameOf={({ name }) => name}
        />
      </Listing>
      <AddProduct opened={isMaking} close={making.close} />
    </Page>
  );
}

function AddProduct({ opened, close }: { readonly opened: boolean; readonly close: () => void }) {
  const org = useOrg();
  const navigate = useNavigate();
  const form = useForm({ initialValues: { name: "", strict: false } });
  const make = useAct((body: { name: string; strict: boolean }) =>
    apiFor(org.id).call(routes.createProduct, { body: { ...body, attributes: {} } }),
  );
  const submit = form.onSubmit((body) =>
    make.mutate(body, {
      onSuccess: ({ id }) => void navigate({ to: paths.product, params: { org: org.id, product: id } }),
    }),
  );
  return (
    <Modal opened={opened} onClose={close} title={own.add} closeButtonProps={{ "aria-label": words.common.close }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput label={words.common.name} required data-autofocus {...form.getInputProps("name")} />
          <Switch
            label={own.onlyDeclared}
            description={own.strictHint}
            {...form.getInputProps("strict", { type: "checkbox" })}
          />
          {make.error && <ProblemNotice error={make.error} />}
          <Button type="submit" loading={make.isPending}>
            {own.add}
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
