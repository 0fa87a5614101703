import { Button, Checkbox, Group, Modal, Stack, Text } from "@mantine/core";
import { routes, type Demands } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { apiFor, everyPage, useAct } from "../api/index.ts";
import { ProblemNotice } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.providers.domains;

type Dialog = { readonly domain: string; readonly close: () => void };

function useDemands() {
  const org = useOrg();
  const api = apiFor(org.id);
  const { data } = useQuery({
    queryKey: ["org", org.id],
    queryFn: ({ signal }) => api.call(routes.readOrg, { signal }),
  });
  return { api, org, demands: data?.demands };
}

/** The same demands, with this of the provider in place of what was demanded of it. */
function withProvider(
  { people = {}, ...others }: Demands,
  domains: readonly string[],
  except: readonly string[],
): Demands {
  const { provider: _before, ...rest } = people;
  const provider = { domains: [...domains], ...(except.length > 0 && { exceptOwners: [...except] as never }) }; // identifiers of people
  const after = { ...rest, ...(domains.length > 0 && { provider }) };
  return { ...others, ...(Object.keys(after).length > 0 && { people: after }) };
}

/** Lets the people of a domain come by the provider alone, and names the owners who may come otherwise when it does not work. */
export function Demanding({ domain, close }: Dialog) {
  const { api, org, demands } = useDemands();
  const before = demands?.people?.provider;
  const [except, setExcept] = useState<readonly string[] | undefined>(undefined);
  const chosen = except ?? before?.exceptOwners ?? [];
  const { data: owners = [] } = useQuery({
    queryKey: ["owners", org.id],
    queryFn: async ({ signal }) => {
      const members = await everyPage((cursor) =>
        api.call(routes.listMembers, { query: { limit: 200, cursor }, signal }),
      );
      return members.filter(({ role }) => role === "owner");
    },
  });
  const able = owners.filter(({ factors }) => factors?.passkey);
  const asked = demands && withProvider(demands, [...(before?.domains ?? []), domain], chosen);
  const preview = useQuery({
    queryKey: ["what-is-refused", org.id, JSON.stringify(asked)],
    queryFn: ({ signal }) => api.call(routes.previewDemands, { body: { demands: asked ?? {} }, signal }),
    enabled: asked !== undefined,
    retry: false,
  });
  const set = useAct(async () => {
    await api.call(routes.updateOrg, { body: { demands: asked ?? {} } });
    close();
  });
  return (
    <Dialogue
      title={own.demandTitle(domain)}
      label={own.demand}
      act={set}
      close={close}
      may={preview.data !== undefined}
    >
      <Text fz="sm">{own.demandHint}</Text>
      <Checkbox.Group label={own.except} value={[...chosen]} onChange={setExcept}>
        <Stack gap="xs" mt={4}>
          {able.length === 0 && <Text fz="sm">{own.exceptNone}</Text>}
          {able.map(({ person, email }) => (
            <Checkbox key={person} value={person} label={email} />
          ))}
        </Stack>
      </Checkbox.Group>
      <div aria-live="polite">
        {preview.error && <ProblemNotice error={preview.error} />}
        {preview.data && <Text fz="sm">{own.would(preview.data.credentials.count)}</Text>}
      </div>
    </Dialogue>
  );
}

export function Relaxing({ domain, close }: Dialog) {
  const { api, demands } = useDemands();
  const before = demands?.people?.provider;
  const set = useAct(async () => {
    const domains = before?.domains.filter((one) => one !== domain) ?? [];
    await api.call(routes.updateOrg, {
      body: { demands: withProvider(demands ?? {}, domains, before?.exceptOwners ?? []) },
    });
    close();
  });
  return (
    <Dialogue title={own.relax} label={own.relax} act={set} close={close} may={demands !== undefined}>
      <Text fz="sm">{domain}</Text>
    </Dialogue>
  );
}

function Dialogue({
  title,
  label,
  act,
  may,
  close,
  children,
}: {
  readonly title: string;
  readonly label: string;
  readonly act: { readonly isPending: boolean; readonly error: Error | null; mutate(given: undefined): void };
  readonly may: boolean;
  readonly close: () => void;
  readonly children: ReactNode;
}) {
  return (
    <Modal opened onClose={close} title={title} closeButtonProps={{ "aria-label": words.common.close }}>
      <Stack gap="md">
        {children}
        {act.error && <ProblemNotice error={act.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {words.common.cancel}
          </Button>
          <Button disabled={!may} loading={act.isPending} onClick={() => act.mutate(undefined)}>
            {label}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
