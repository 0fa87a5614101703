import { Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { mostDevicesInSource, routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { words } from "../words/index.ts";
import type { SourceFields } from "./filled.ts";
import { useAsking } from "./page.tsx";

const own = words.dashboards.form;

/** Whose readings: found by typing, or all with a tag, or all of a product. */
export function SourceField({
  source,
  isOfOne,
  change,
}: {
  readonly source: SourceFields;
  /** One device and no more. */
  readonly isOfOne: boolean;
  readonly change: (source: SourceFields) => void;
}) {
  const by = isOfOne ? "devices" : source.by;
  return (
    <Stack gap="xs">
      {!isOfOne && (
        <NativeSelect
          label={own.source}
          data={Object.entries(own.sources).map(([value, label]) => ({ value, label }))}
          value={by}
          onChange={({ currentTarget: { value } }) =>
            change({ ...source, by: value === "tag" || value === "product" ? value : "devices" })
          }
        />
      )}
      {by === "devices" && <Chosen most={isOfOne ? 1 : mostDevicesInSource} source={source} change={change} />}
      {by === "tag" && (
        <Group gap="xs" grow>
          <TextInput
            label={own.tagKey}
            value={source.key}
            onChange={({ currentTarget: { value } }) => change({ ...source, key: value })}
          />
          <TextInput
            label={own.tagValue}
            value={source.value}
            onChange={({ currentTarget: { value } }) => change({ ...source, value })}
          />
        </Group>
      )}
      {by === "product" && <Product source={source} change={change} />}
    </Stack>
  );
}

type Given = { readonly source: SourceFields; readonly change: (source: SourceFields) => void };

function Chosen({ source, change, most }: Given & { readonly most: number }) {
  const asking = useAsking();
  const [typed, setTyped] = useState("");
  const [q] = useDebouncedValue(typed.trim(), 200);
  const found = useQuery({
    queryKey: ["dashboard-search", asking.key, q],
    queryFn: ({ signal }) => asking.client.call(routes.listDevices, { query: { q, limit: 8, sort: "name" }, signal }),
  });
  const { devices } = source;
  const left = (found.data?.items ?? []).filter(({ id }) => !devices.some((one) => one.id === id));
  const add = (id: string, name: string) =>
    change({ ...source, by: "devices", devices: [...devices.slice(0, most - 1), { id, name }] });
  return (
    <Stack gap={4}>
      {devices.length > 0 && (
        <Group gap={4} role="list" aria-label={own.chosen}>
          {devices.slice(0, most).map(({ id, name }) => (
            <div role="listitem" key={id}>
              <Button
                size="compact-sm"
                variant="light"
                aria-label={own.drop(name)}
                onClick={() => change({ ...source, devices: devices.filter((one) => one.id !== id) })}
              >
                {name} ✕
              </Button>
            </div>
          ))}
        </Group>
      )}
      <TextInput
        label={own.search}
        description={own.searchHint}
        value={typed}
        onChange={({ currentTarget: { value } }) => setTyped(value)}
      />
      <Group gap={4} role="status">
        {left.map(({ id, name }) => (
          <Button key={id} size="compact-sm" variant="default" aria-label={own.add(name)} onClick={() => add(id, name)}>
            + {name}
          </Button>
        ))}
        {found.data?.items.length === 0 && <Text fz="sm">{own.noneFound}</Text>}
      </Group>
    </Stack>
  );
}

function Product({ source, change }: Given) {
  const asking = useAsking();
  const { data } = useQuery({
    queryKey: ["products", asking.key, "all"],
    queryFn: ({ signal }) => asking.client.call(routes.listProducts, { query: { limit: 1_000 }, signal }),
  });
  const all = (data?.items ?? []).map(({ id, name }) => ({ value: id as string, label: name }));
  return (
    <NativeSelect
      label={own.product}
      data={[{ value: "", label: "" }, ...all]}
      value={source.product}
      onChange={({ currentTarget: { value } }) => change({ ...source, product: value })}
    />
  );
}
