import { NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { isId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor } from "../api/index.ts";
import { Batch, CommandForm } from "../commanding/index.ts";
import { OnceDialog } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { clauseOf } from "./filter.ts";

const own = words.devices.many;

/** A command to all devices of a product or with a tag: to begin with, those of the filter. */
export function CommandMany({
  opened,
  close,
  filter,
}: {
  readonly opened: boolean;
  readonly close: () => void;
  readonly filter: string;
}) {
  const [batch, setBatch] = useState<string | undefined>(undefined);
  return (
    <OnceDialog
      opened={opened}
      close={() => {
        close();
        setBatch(undefined);
      }}
      title={own.title}
      made={batch === undefined ? undefined : <Batch id={batch} />}
      size="lg"
    >
      <Ask key={filter} filter={filter} sent={setBatch} />
    </OnceDialog>
  );
}

function Ask({ filter, sent }: { readonly filter: string; readonly sent: (batch: string) => void }) {
  const org = useOrg();
  const api = apiFor(org.id);
  const [product, setProduct] = useState(clauseOf(filter, "product") ?? "");
  const [tag, setTag] = useState(clauseOf(filter, "tag") ?? "");
  const { data: products } = useQuery({
    queryKey: ["products-all", org.id],
    queryFn: ({ signal }) => api.call(routes.listProducts, { query: { limit: 1_000 }, signal }),
  });
  const [key = "", ...value] = tag.split("=");
  return (
    <CommandForm
      kept="command to many"
      send={async (asked) => {
        const to = isId("product", product) ? { product } : { tag: { key: key.trim(), value: value.join("=").trim() } };
        const { id } = await api.call(routes.sendCommands, { body: { to, ...asked } });
        sent(id);
      }}
    >
      <Stack gap="sm">
        <NativeSelect
          label={own.to}
          value={product}
          data={[
            { value: "", label: own.withTag },
            ...(products?.items ?? []).map(({ id, name }) => ({ value: id, label: own.ofProduct(name) })),
          ]}
          onChange={(event) => setProduct(event.currentTarget.value)}
        />
        {product === "" && (
          <TextInput
            label={words.devices.bulk.tagLabel}
            placeholder="floor=3"
            required
            pattern="[^=]+=.*"
            value={tag}
            onChange={(event) => setTag(event.currentTarget.value)}
          />
        )}
        <Text fz="sm" c="var(--hf-dim)">
          {own.lead}
        </Text>
      </Stack>
    </CommandForm>
  );
}
