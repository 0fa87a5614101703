import { Group, List, NativeSelect, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor, queryClient } from "../api/index.ts";
import { Confirm, EntityId, Page, paths, Press } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { GrantList } from "./grant-list.tsx";
import { words } from "../words/index.ts";
import { RoleForm } from "./role-form.tsx";
import { useMembers } from "../naming/index.ts";
import { useRoles } from "./use-roles.ts";

type Known = Reply<typeof routes.readRole>;
const own = words.roles;

/** One role: what it holds, who has it, and, where it is the organisation's own, how to change and end it. */
export function RolePage() {
  const org = useOrg();
  const { role: id = "" } = useParams({ strict: false });
  const { data: role } = useSuspenseQuery({
    queryKey: ["role", org.id, id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readRole, { params: { role: id }, signal }),
  });
  const isOwn = role.version !== undefined;
  return (
    <Page
      title={role.name}
      lead={isOwn ? <EntityId id={role.id} /> : `${role.description} ${own.builtInHint}`}
      actions={isOwn && <EndRole role={role} />}
    >
      {/* A change by somebody else begins the form anew. */}
      {isOwn ? <RoleForm key={role.version} role={role} /> : <Grants grants={role.grants} />}
      <Holders role={role} />
    </Page>
  );
}

/** Makes a role. */
export function AddRole() {
  return (
    <Page title={own.add} lead={own.addLead}>
      <RoleForm role={undefined} />
    </Page>
  );
}

function Grants({ grants }: { readonly grants: readonly string[] }) {
  return (
    <Stack gap="xs">
      <Title order={2} fz="lg">
        {words.access.grants}
      </Title>
      <GrantList grants={grants} />
    </Stack>
  );
}

function Holders({ role }: { readonly role: Known }) {
  const { members, mayRead } = useMembers();
  const holders = members.filter((member) => member.role === role.id);
  return (
    <Stack gap="xs">
      <Title order={2} fz="lg">
        {own.holders}
      </Title>
      {role.members === 0 ? (
        <Text fz="sm">{own.nobodys}</Text>
      ) : mayRead ? (
        <List size="sm" listStyleType="none">
          {holders.map(({ person, email }) => (
            <List.Item key={person}>{email}</List.Item>
          ))}
        </List>
      ) : (
        <Text fz="sm">{words.common.notAllowed("member.read")}</Text>
      )}
    </Stack>
  );
}

function EndRole({ role }: { readonly role: Known }) {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const [isEnding, ending] = useDisclosure(false);
  const { options } = useRoles();
  const others = options.filter(({ value }) => value !== role.id);
  const [replacement, setReplacement] = useState("viewer");
  const isHeld = role.members > 0;
  return (
    <>
      <Press
        variant="default"
        onClick={ending.open}
        why={can("role.update") ? undefined : words.common.notAllowed("role.update")}
      >
        {own.end}
      </Press>
      <Confirm
        opened={isEnding}
        close={ending.close}
        title={own.end}
        label={own.end}
        name={role.name}
        act={async () => {
          const query = isHeld ? { replacement: others.find(({ value }) => value === replacement)?.value } : {};
          const params = { role: role.id };
          await apiFor(org.id).call(routes.deleteRole, { params, query, ifVersion: role.version });
          await navigate({ to: paths.roles, params: { org: org.id } });
          await queryClient.invalidateQueries();
        }}
      >
        <Group>
          <Text fz="sm">{isHeld ? own.endHeld(role.members) : own.endHint}</Text>
          {isHeld && (
            <NativeSelect
              label={own.replacement}
              data={others}
              value={replacement}
              onChange={(event) => setReplacement(event.currentTarget.value)}
            />
          )}
        </Group>
      </Confirm>
    </>
  );
}
