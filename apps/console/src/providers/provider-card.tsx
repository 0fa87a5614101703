import { Card, Group, List, Modal, Stack, Text, Title } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useState, type ReactNode } from "react";
import { useRoles } from "../access/index.ts";
import { apiFor, useAct } from "../api/index.ts";
import { Confirm, EntityId, Facts, pathTo, Press, ProblemNotice } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Domains } from "./domains.tsx";
import { LinkedPeople } from "./linked-people.tsx";
import { ProviderForm } from "./provider-form.tsx";
import { useWhyNot, type Provider } from "./use-providers.ts";

const own = words.providers;

/** One provider: what was said of it, whether it answers, its domains, and who comes by it. */
export function ProviderCard({ provider }: { readonly provider: Provider }) {
  const { id, name, isEnabled } = provider;
  const api = apiFor(useOrg().id);
  const why = useWhyNot();
  const [asked, ask] = useState<"change" | "remove" | "switchOff" | undefined>(undefined);
  const close = () => ask(undefined);
  const params = { provider: id };
  const turn = useAct((on: boolean) => api.call(routes.updateProvider, { params, body: { isEnabled: on } }));
  const trying = useAct(() => api.call(routes.tryProvider, { params }));
  return (
    <Card withBorder component="section" aria-label={name} p="md" bg="var(--hf-raised)">
      <Stack gap="md">
        <Group gap="sm" justify="space-between" align="flex-start">
          <div>
            <Title order={2} fz="lg">
              {name}
            </Title>
            <span className={isEnabled ? "hf-state hf-disc hf-good" : "hf-state hf-ring hf-off"}>
              {isEnabled ? own.on : own.off}
            </span>
          </div>
          <Group gap="xs" role="group" aria-label={own.of(words.common.actions, name)}>
            <Press
              size="compact-sm"
              variant="default"
              why={why}
              loading={trying.isPending}
              onClick={() => trying.mutate(undefined)}
            >
              {own.try}
            </Press>
            <Press
              size="compact-sm"
              variant={isEnabled ? "default" : "filled"}
              why={why}
              loading={turn.isPending}
              onClick={() => (isEnabled ? ask("switchOff") : turn.mutate(true))}
            >
              {isEnabled ? own.switchOff : own.switchOn}
            </Press>
            <Press size="compact-sm" variant="default" why={why} onClick={() => ask("change")}>
              {own.change}
            </Press>
            <Press size="compact-sm" variant="outline" color="red" why={why} onClick={() => ask("remove")}>
              {own.remove}
            </Press>
          </Group>
        </Group>
        {turn.error && <ProblemNotice error={turn.error} />}
        {trying.error && <ProblemNotice error={trying.error} />}
        {trying.data && <Tried {...trying.data} />}
        <ProviderFacts provider={provider} />
        <Domains provider={provider} />
        <LinkedPeople provider={provider} />
      </Stack>
      {asked === "change" && <ProviderForm provider={provider} close={close} />}
      {asked === "switchOff" && <SwitchOff name={name} act={() => turn.mutateAsync(false)} close={close} />}
      <Confirm
        opened={asked === "remove"}
        title={own.of(own.remove, name)}
        name={name}
        label={own.remove}
        act={() => api.call(routes.removeProvider, { params })}
        close={() => {
          close();
          trying.reset();
        }}
      >
        <Text fz="sm">{own.removeHint}</Text>
      </Confirm>
    </Card>
  );
}

function SwitchOff({
  name,
  act,
  close,
}: {
  readonly name: string;
  readonly act: () => Promise<unknown>;
  readonly close: () => void;
}) {
  const off = useAct(async () => {
    await act();
    close();
  });
  return (
    <Modal
      opened
      onClose={close}
      title={own.of(own.switchOff, name)}
      closeButtonProps={{ "aria-label": words.common.close }}
    >
      <Stack gap="md">
        <Text fz="sm">{own.switchOffHint}</Text>
        {off.error && <ProblemNotice error={off.error} />}
        <Group justify="flex-end" gap="xs">
          <Press variant="default" why={undefined} onClick={close}>
            {words.common.cancel}
          </Press>
          <Press color="red" why={undefined} loading={off.isPending} onClick={() => off.mutate(undefined)}>
            {own.switchOff}
          </Press>
        </Group>
      </Stack>
    </Modal>
  );
}

type Finding = { readonly level: "wrong" | "note"; readonly says: string };

function Tried({ isUsable, findings }: { readonly isUsable: boolean; readonly findings: readonly Finding[] }) {
  return (
    <Stack gap="xs" role="status">
      <span className={isUsable ? "hf-state hf-disc hf-good" : "hf-state hf-cross hf-bad"}>
        {isUsable ? own.tried.good : own.tried.bad}
      </span>
      {findings.length > 0 && (
        <List fz="sm" spacing={4}>
          {findings.map(({ level, says }) => (
            <List.Item key={says} {...(level === "wrong" && { fw: 600 })}>
              {says}
            </List.Item>
          ))}
        </List>
      )}
    </Stack>
  );
}

function ProviderFacts({ provider }: { readonly provider: Provider }) {
  const { issuer, clientId, hasSecret, joins, roles, secondFactor, shortName, callback, backChannelLogout } = provider;
  const org = useOrg();
  const { rows } = useRoles();
  const { facts } = own;
  const nameOf = (role: string) => rows.find(({ id }) => id === role)?.name ?? role;
  const { origin } = window.location;
  const at = (path: string): ReactNode => <EntityId id={`${origin}${path}`} />;
  return (
    <Facts
      facts={[
        [facts.issuer, issuer],
        [facts.client, clientId],
        [facts.secret, hasSecret ? facts.hasSecret : facts.noSecret],
        [facts.joins, joins === undefined ? facts.joinsNot : facts.joinsAs(nameOf(joins))],
        [
          facts.roles,
          roles === undefined
            ? facts.rolesByHand
            : `${facts.rolesBy(roles.claim)} ${roles.map.map(({ value, role }) => `${value} → ${nameOf(role)}`).join(", ")}`,
        ],
        [
          facts.factor,
          secondFactor === undefined ? facts.factorNot : facts.factorBy(secondFactor.amr ?? [], secondFactor.acr ?? []),
        ],
        [facts.link, at(pathTo("organisationSignIn", { org: shortName ?? org.id }))],
        [facts.callback, at(callback)],
        [facts.signOut, at(pathTo("signIn"))],
        [facts.backChannel, at(backChannelLogout)],
      ]}
    />
  );
}
