import { Stack } from "@mantine/core";
import { useState } from "react";
import { Empty, Page, Press } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { ProviderCard } from "./provider-card.tsx";
import { ProviderForm } from "./provider-form.tsx";
import { useProviders, useWhyNot } from "./use-providers.ts";

const own = words.providers;

/** By whom people sign in here, beside their own means. */
export function Providers() {
  const all = useProviders();
  const why = useWhyNot();
  const [isAdding, setAdding] = useState(false);
  const add = (
    <Press why={why} onClick={() => setAdding(true)}>
      {own.add}
    </Press>
  );
  return (
    <Page title={words.places.providers} lead={own.lead} actions={all.length > 0 ? add : undefined}>
      {all.length === 0 && <Empty next={add}>{own.none}</Empty>}
      <Stack gap="md">
        {all.map((provider) => (
          <ProviderCard key={provider.id} provider={provider} />
        ))}
      </Stack>
      {isAdding && <ProviderForm close={() => setAdding(false)} />}
    </Page>
  );
}
