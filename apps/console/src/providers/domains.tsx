import { Alert, Button, Code, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Moment, Press, ProblemNotice } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Demanding, Relaxing } from "./demanding.tsx";
import { useWhyNot, type Domain, type Provider } from "./use-providers.ts";

const own = words.providers.domains;

/** Which domains of e-mail addresses are the organisation's, and whether their people come by this provider alone. */
export function Domains({ provider }: { readonly provider: Provider }) {
  const api = apiFor(useOrg().id);
  const why = useWhyNot();
  const [domain, setDomain] = useState("");
  const add = useAct(async () => {
    await api.call(routes.addDomain, { params: { provider: provider.id }, body: { domain: domain.trim() } });
    setDomain("");
  });
  return (
    <Stack gap="sm" component="section" aria-label={words.providers.of(own.title, provider.name)}>
      <div>
        <Title order={3} fz="md">
          {own.title}
        </Title>
        <Text fz="sm" c="var(--hf-dim)">
          {own.lead}
        </Text>
      </div>
      {provider.domains.map((one) => (
        <One key={one.domain} provider={provider} one={one} />
      ))}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (why === undefined) add.mutate(undefined);
        }}
      >
        <Group align="flex-end" gap="xs">
          <TextInput
            label={own.domain}
            placeholder="example.com"
            required
            maxLength={253}
            autoComplete="off"
            value={domain}
            onChange={(event) => setDomain(event.currentTarget.value)}
          />
          <Press type="submit" variant="default" why={why} loading={add.isPending}>
            {own.add}
          </Press>
        </Group>
      </form>
      {add.error && <ProblemNotice error={add.error} />}
    </Stack>
  );
}

function One({ provider: { id, isEnabled }, one }: { readonly provider: Provider; readonly one: Domain }) {
  const { domain, proof, record, lapsesAt, isDemanded } = one;
  const api = apiFor(useOrg().id);
  const why = useWhyNot();
  const mayDemand = useCan()("org.update") ? undefined : words.common.notAllowed("org.update");
  const [asked, ask] = useState<"demand" | "relax" | undefined>(undefined);
  const params = { provider: id, domain };
  const look = useAct(() => api.call(routes.proveDomain, { params }));
  const remove = useAct(() => api.call(routes.removeDomain, { params }));
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <Text fw={600}>{domain}</Text>
        <span className={proof === "none" ? "hf-state hf-ring hf-warn" : "hf-state hf-disc hf-good"}>
          {own.proofs[proof]}
        </span>
        {isDemanded && <span className="hf-state hf-bars hf-good">{own.demanded}</span>}
      </Group>
      {lapsesAt !== undefined && (
        <Alert color="yellow" variant="outline" c="var(--hf-text)">
          {own.lapses} <Moment at={lapsesAt} exactly />
        </Alert>
      )}
      {(proof === "none" || lapsesAt !== undefined) && (
        <Text fz="sm" component="div">
          {own.record} <Code>{record.name}</Code> <Code>{record.value}</Code>
        </Text>
      )}
      <Group gap="xs" role="group" aria-label={words.providers.of(words.common.actions, domain)}>
        {proof !== "administrator" && (
          <Press
            size="compact-sm"
            variant="default"
            why={why}
            loading={look.isPending}
            onClick={() => look.mutate(undefined)}
          >
            {own.look}
          </Press>
        )}
        {isDemanded ? (
          <Press size="compact-sm" variant="default" why={mayDemand} onClick={() => ask("relax")}>
            {own.relax}
          </Press>
        ) : (
          proof !== "none" &&
          isEnabled && (
            <Press size="compact-sm" variant="default" why={mayDemand} onClick={() => ask("demand")}>
              {own.demand}
            </Press>
          )
        )}
        {!isDemanded && (
          <Button
            size="compact-sm"
            variant="outline"
            color="red"
            aria-label={`${own.remove} ${domain}`}
            loading={remove.isPending}
            onClick={() => remove.mutate(undefined)}
          >
            {own.remove}
          </Button>
        )}
      </Group>
      {look.error && <ProblemNotice error={look.error} />}
      {remove.error && <ProblemNotice error={remove.error} />}
      {asked === "demand" && <Demanding domain={domain} close={() => ask(undefined)} />}
      {asked === "relax" && <Relaxing domain={domain} close={() => ask(undefined)} />}
    </Stack>
  );
}
