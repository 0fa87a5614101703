import { Button, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, queryClient, useAct, useList } from "../api/index.ts";
import { columnsOf, Confirm, DataTable, Empty, EntityId, Listing, Moment, Press, ProblemNotice } from "../kit/index.ts";
import { sessionQuery, useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { AccessFrame } from "./frame.tsx";
import { GiveRole } from "./give-role.tsx";
import { Invite } from "./invite.tsx";

type Member = Reply<typeof routes.listMembers>["items"][number];
type Invitation = Reply<typeof routes.listInvitations>["items"][number];
const own = words.people;

/** Who belongs to the organisation, who is asked to, and how that ends. */
export function People() {
  const can = useCan();
  const [isInviting, inviting] = useDisclosure(false);
  const why = can("member.invite") ? undefined : words.common.notAllowed("member.invite");
  return (
    <AccessFrame
      lead={own.lead}
      actions={
        <Press why={why} onClick={inviting.open}>
          {own.invite}
        </Press>
      }
    >
      <Members />
      <Stack gap="xs">
        <Title order={2} fz="lg">
          {own.invitations}
        </Title>
        {why === undefined ? <Invitations /> : <Text fz="sm">{why}</Text>}
      </Stack>
      <Invite opened={isInviting} close={inviting.close} />
    </AccessFrame>
  );
}

/** What she shows beside her password, in a word and a shape. */
function Factors({ totp, passkey }: NonNullable<Member["factors"]>) {
  const has = [passkey ? own.passkey : "", totp ? own.app : ""].filter((one) => one !== "");
  return has.length > 0 ? (
    <span className="hf-state hf-disc hf-good">{has.join(", ")}</span>
  ) : (
    <span className="hf-state hf-ring hf-off">{own.passwordAlone}</span>
  );
}

function Members() {
  const org = useOrg();
  const can = useCan();
  const { data: session } = useSuspenseQuery(sessionQuery);
  const [changing, setChanging] = useState<Member | undefined>(undefined);
  const [leaving, setLeaving] = useState<Member | undefined>(undefined);
  const list = useList(["members", org.id], (cursor, signal) =>
    apiFor(org.id).call(routes.listMembers, { query: { cursor, limit: 200 }, signal }),
  );
  const whyStays = ({ person, administrator }: Member) => {
    if (!can("member.remove")) return words.common.notAllowed("member.remove");
    if (person === session.person.id) return own.yourself;
    return administrator ? own.administrator : undefined;
  };
  const columns = columnsOf<Member>([
    { id: "email", head: own.email, width: 220, grows: true, cell: ({ email }) => <span title={email}>{email}</span> },
    { id: "role", head: own.role, width: 130, grows: true, cell: ({ role, roleName }) => roleName ?? role },
    {
      id: "factors",
      head: own.factors,
      width: 150,
      cell: ({ factors }) => (factors ? <Factors {...factors} /> : words.common.none),
    },
    {
      id: "change",
      head: own.changeRole,
      width: 130,
      cell: (member) => (
        <Press
          size="compact-xs"
          variant="default"
          why={can("member.update") ? undefined : words.common.notAllowed("member.update")}
          onClick={() => setChanging(member)}
          aria-label={`${own.changeRole} ${member.email}`}
        >
          {own.change}
        </Press>
      ),
    },
    {
      id: "remove",
      head: own.remove,
      width: 120,
      cell: (member) => (
        <Press
          size="compact-xs"
          color="red"
          variant="outline"
          why={whyStays(member)}
          onClick={() => setLeaving(member)}
          aria-label={`${own.remove} ${member.email}`}
        >
          {own.remove}
        </Press>
      ),
    },
    { id: "id", head: words.common.id, width: 276, cell: ({ person }) => <EntityId id={person} /> },
  ]);
  return (
    <>
      <Listing list={list} empty={<Empty>{own.nobody}</Empty>}>
        <DataTable
          label={own.members}
          {...list}
          columns={columns}
          idOf={({ person }) => person}
          nameOf={({ email }) => email}
          height="50dvh"
        />
      </Listing>
      <GiveRole member={changing} close={() => setChanging(undefined)} />
      <Confirm
        opened={leaving !== undefined}
        close={() => setLeaving(undefined)}
        title={own.remove}
        label={own.remove}
        name={leaving?.email ?? ""}
        act={async () => {
          await apiFor(org.id).call(routes.removeMember, { params: { person: leaving?.person ?? "" } });
          await queryClient.invalidateQueries();
        }}
      >
        <Text fz="sm">{own.removeHint}</Text>
      </Confirm>
    </>
  );
}

function Invitations() {
  const org = useOrg();
  const list = useList(["invitations", org.id], (cursor, signal) =>
    apiFor(org.id).call(routes.listInvitations, { query: { cursor, limit: 200 }, signal }),
  );
  const withdraw = useAct((invitation: string) =>
    apiFor(org.id).call(routes.withdrawInvitation, { params: { invitation } }),
  );
  const columns = columnsOf<Invitation>([
    { id: "email", head: own.email, width: 220, grows: true, cell: ({ email }) => <span title={email}>{email}</span> },
    { id: "role", head: own.role, width: 130, grows: true, cell: ({ role, roleName }) => roleName ?? role },
    { id: "until", head: words.access.expires, width: 120, cell: ({ expiresAt }) => <Moment at={expiresAt} /> },
    {
      id: "withdraw",
      head: own.withdraw,
      width: 120,
      cell: ({ id, email }) => (
        <Button
          size="compact-xs"
          variant="default"
          onClick={() => withdraw.mutate(id)}
          aria-label={`${own.withdraw} ${email}`}
        >
          {own.withdraw}
        </Button>
      ),
    },
    { id: "id", head: words.common.id, width: 276, cell: ({ id }) => <EntityId id={id} /> },
  ]);
  return (
    <>
      {withdraw.error && <ProblemNotice error={withdraw.error} />}
      <Listing list={list} empty={<Text fz="sm">{own.noInvitations}</Text>}>
        <DataTable
          label={own.invitations}
          {...list}
          columns={columns}
          idOf={({ id }) => id}
          nameOf={({ email }) => email}
          height="30dvh"
        />
      </Listing>
    </>
  );
}
