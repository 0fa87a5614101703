import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, queryClient, useAct, useList } from "../api/index.ts";
import {
  columnsOf,
  Confirm,
  DataTable,
  Empty,
  EntityId,
  Listing,
  Moment,
  Press,
  RowPress,
  ProblemNotice,
  StateMark,
} from "../kit/index.ts";
import { sessionQuery, useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { AccessFrame } from "./frame.tsx";
import { GiveRole } from "./give-role.tsx";
import { Invite } from "./invite.tsx";
import { MemberSessions } from "./member-sessions.tsx";

type Member = Reply<typeof routes.listMembers>["items"][number];
type Invitation = Reply<typeof routes.listInvitations>["items"][number];
const own = words.people;

/** Who belongs to the organisation, who is asked to, and how that ends. */
export function People() {
  const can = useCan();
  const [isInviting, inviting] = useDisclosure(false);
  /** Who was invited before, and gets a link that works in place of hers. */
  const [again, setAgain] = useState<Invitation | undefined>(undefined);
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
        {why === undefined ? <Invitations again={setAgain} /> : <Text fz="sm">{why}</Text>}
      </Stack>
      <Invite opened={isInviting} close={inviting.close} />
      <Invite key={again?.id} opened={again !== undefined} again={again} close={() => setAgain(undefined)} />
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
  const [looked, setLooked] = useState<Member | undefined>(undefined);
  const [leaving, setLeaving] = useState<Member | undefined>(undefined);
  const [stopping, setStopping] = useState<Member | undefined>(undefined);
  const list = useList(["members", org.id], (cursor, signal) =>
    apiFor(org.id).call(routes.listMembers, { query: { cursor, limit: 200 }, signal }),
  );
  const resume = useAct((person: string) => apiFor(org.id).call(routes.resumeMember, { params: { person } }));
  const whyStays = ({ person, administrator }: Member, action: "member.remove" | "member.suspend") => {
    if (!can(action)) return words.common.notAllowed(action);
    if (person === session.person.id) return action === "member.remove" ? own.yourself : own.yourselfSuspended;
    return administrator ? own.administrator : undefined;
  };
  const columns = columnsOf<Member>([
    { id: "email", head: own.email, width: 220, grows: true, cell: ({ email }) => <span title={email}>{email}</span> },
    { id: "role", head: own.role, width: 130, grows: true, cell: ({ role, roleName }) => roleName ?? role },
    {
      id: "state",
      head: words.common.state,
      width: 110,
      cell: ({ isSuspended }) => <StateMark state={isSuspended ? "suspended" : "active"} />,
    },
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
        <RowPress
          why={can("member.update") ? undefined : words.common.notAllowed("member.update")}
          onClick={() => setChanging(member)}
          aria-label={`${own.changeRole} ${member.email}`}
        >
          {own.change}
        </RowPress>
      ),
    },
    {
      id: "sessions",
      head: own.sessions.head,
      width: 120,
      cell: (member) => (
        <RowPress
          why={can("credential.revoke") ? undefined : words.common.notAllowed("credential.revoke")}
          onClick={() => setLooked(member)}
          aria-label={own.sessions.showOf(member.email)}
        >
          {own.sessions.show}
        </RowPress>
      ),
    },
    {
      id: "remove",
      head: own.end,
      width: 168,
      cell: (member) => (
        <Group gap={4} wrap="nowrap" display="inline-flex">
          {member.isSuspended ? (
            <RowPress
              why={can("member.suspend") ? undefined : words.common.notAllowed("member.suspend")}
              onClick={() => resume.mutate(member.person)}
              aria-label={`${own.resume} ${member.email}`}
            >
              {own.resume}
            </RowPress>
          ) : (
            <RowPress
              why={whyStays(member, "member.suspend")}
              onClick={() => setStopping(member)}
              aria-label={`${own.suspend} ${member.email}`}
            >
              {own.suspend}
            </RowPress>
          )}
          <RowPress
            ends
            why={whyStays(member, "member.remove")}
            onClick={() => setLeaving(member)}
            aria-label={`${own.remove} ${member.email}`}
          >
            {own.remove}
          </RowPress>
        </Group>
      ),
    },
    { id: "id", head: words.common.id, width: 276, cell: ({ person }) => <EntityId id={person} /> },
  ]);
  return (
    <>
      {resume.error && <ProblemNotice error={resume.error} />}
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
      {looked && <MemberSessions member={looked} close={() => setLooked(undefined)} />}
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
      <Confirm
        opened={stopping !== undefined}
        close={() => setStopping(undefined)}
        title={own.suspend}
        label={own.suspend}
        name={stopping?.email ?? ""}
        act={async () => {
          await apiFor(org.id).call(routes.suspendMember, { params: { person: stopping?.person ?? "" } });
          await queryClient.invalidateQueries();
        }}
      >
        <Text fz="sm">{own.suspendHint}</Text>
      </Confirm>
    </>
  );
}

function Invitations({ again }: { readonly again: (invitation: Invitation) => void }) {
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
      head: own.linkOf,
      width: 200,
      cell: (invitation) => (
        <Group gap={4} wrap="nowrap" display="inline-flex">
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => again(invitation)}
            aria-label={`${own.newLink} ${invitation.email}`}
          >
            {own.newLink}
          </Button>
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => withdraw.mutate(invitation.id)}
            aria-label={`${own.withdraw} ${invitation.email}`}
          >
            {own.withdraw}
          </Button>
        </Group>
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
