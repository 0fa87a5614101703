import { Group, NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { deviceFindings, routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor } from "../api/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { clauseOf, withClause } from "./filter.ts";

const own = words.devices;

/** A filter that is typed, or built by clicks. */
export function Filters({ text, show }: { readonly text: string; readonly show: (text: string) => void }) {
  const org = useOrg();
  const [typed, setTyped] = useState(text);
  const [shown, setShown] = useState(text);
  // Clicks and links change it from outside.
  if (shown !== text) {
    setShown(text);
    setTyped(text);
  }
  const showSoon = useDebouncedCallback(show, 250);
  const { data: products } = useQuery({
    queryKey: ["products-all", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listProducts, { query: { limit: 1_000 }, signal }),
  });
  const choose = (name: string, value: string) => show(withClause(text, name, value === "" ? undefined : value));
  return (
    <Group gap="xs" align="flex-end" flex={1}>
      <TextInput
        label={own.filter}
        placeholder={own.filterExample}
        flex={1}
        miw={220}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          showSoon(event.currentTarget.value);
        }}
      />
      <NativeSelect
        label={words.common.state}
        value={clauseOf(text, "status") ?? ""}
        data={[
          { value: "", label: own.anyState },
          ...(
            ["online", "offline", "silent", "notReceiving", "flapping", "active", "suspended", "retired"] as const
          ).map((state) => ({
            value: state,
            label: words.state[state],
          })),
        ]}
        onChange={(event) => choose("status", event.currentTarget.value)}
      />
      <NativeSelect
        label={words.posture.finding}
        value={clauseOf(text, "finding") ?? ""}
        data={[
          { value: "", label: words.posture.anyFinding },
          ...deviceFindings.map((finding) => ({ value: finding, label: words.posture.findings[finding].mark })),
        ]}
        onChange={(event) => choose("finding", event.currentTarget.value)}
      />
      {products && products.items.length > 0 && (
        <NativeSelect
          label={own.product}
          value={clauseOf(text, "product") ?? ""}
          data={[
            { value: "", label: own.anyProduct },
            ...products.items.map(({ id, name }) => ({ value: id, label: name })),
          ]}
          onChange={(event) => choose("product", event.currentTarget.value)}
        />
      )}
    </Group>
  );
}
