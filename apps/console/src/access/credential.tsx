import { Stack, Title } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { apiFor } from "../api/index.ts";
import { EntityId, Facts, Moment, Page, paths, StateMark, Press } from "../kit/index.ts";
import { MqttSessions } from "../mqtt-sessions/index.ts";
import { conditionFacts, IssuedCertificate, KeyUse } from "../held/index.ts";
import { useRevoking } from "../revoking/index.ts";
import { Rotating } from "./rotating.tsx";
import { Findings, Worn } from "./worn.tsx";
import { useState } from "react";
import { useCan, useOrg } from "../session/index.ts";
import { GrantList } from "./grant-list.tsx";
import { kindWord, words } from "../words/index.ts";

const own = words.access;

/** One credential: what it may do, when it was last used, what hangs on it, and how to end it. */
export function CredentialPage() {
  const org = useOrg();
  const can = useCan();
  const { credential: id = "" } = useParams({ strict: false });
  const revoking = useRevoking();
  const [isRotating, setRotating] = useState(false);
  const { data: credential } = useSuspenseQuery({
    queryKey: ["credential", org.id, id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readCredential, { params: { credential: id }, signal }),
  });
  const title = credential.name === "" ? kindWord(credential.kind) : credential.name;
  const mayEnd = can("credential.revoke");
  const whyNotRotated =
    credential.kind === "session" || credential.kind === "certificate" || credential.kind === "socket"
      ? words.rotating.noSecret
      : credential.state !== "active"
        ? own.isOver
        : can("credential.rotate")
          ? undefined
          : words.common.notAllowed("credential.rotate");
  const because =
    credential.state !== "active" ? own.isOver : mayEnd ? undefined : words.common.notAllowed("credential.revoke");
  return (
    <Page
      title={title}
      lead={<EntityId id={credential.id} />}
      actions={
        <>
          <Press variant="default" onClick={() => setRotating(true)} why={whyNotRotated}>
            {words.rotating.rotate}
          </Press>
          <Press
            color="red"
            variant="outline"
            onClick={() => revoking.ask({ credential: id, name: title })}
            why={because}
          >
            {words.revoking.revoke}
          </Press>
        </>
      }
    >
      {revoking.notice}
      <Findings {...credential} />
      <Facts
        facts={[
          [own.kind, kindWord(credential.kind)],
          [words.common.state, <StateMark key="state" state={credential.state} />],
          [words.common.created, <Moment key="created" at={credential.createdAt} exactly />],
          [
            own.lastUsed,
            credential.lastUsedAt === undefined ? (
              words.common.never
            ) : (
              <Moment key="used" at={credential.lastUsedAt} exactly />
            ),
          ],
          [
            own.expires,
            credential.expiresAt === undefined ? (
              words.common.never
            ) : (
              <Moment key="expires" at={credential.expiresAt} exactly />
            ),
          ],
          ...conditionFacts(credential.conditions ?? {}),
          ...(credential.boundTo === undefined
            ? []
            : ([[own.boundTo, <EntityId key="bound" id={credential.boundTo} />]] as const)),
          ...(credential.parent === undefined
            ? []
            : ([
                [
                  own.madeWith,
                  <Link key="parent" to={paths.credential} params={{ org: org.id, credential: credential.parent }}>
                    {credential.parent}
                  </Link>,
                ],
              ] as const)),
          ...(credential.device === undefined
            ? []
            : ([
                [
                  own.ofDevice,
                  <Link key="device" to={paths.device} params={{ org: org.id, device: credential.device }}>
                    {credential.device}
                  </Link>,
                ],
              ] as const)),
          ...(credential.application === undefined
            ? []
            : ([[own.ofApplication, <EntityId key="application" id={credential.application} />]] as const)),
        ]}
      />
      <Stack gap="xs">
        <Title order={2} fz="lg">
          {own.grants}
        </Title>
        <GrantList grants={credential.grants} />
      </Stack>
      <Worn credential={credential} />
      {credential.issued && credential.state === "active" && <Issued credential={id} />}
      {credential.boundTo !== undefined && credential.state === "active" && (
        <KeyUse
          credential={{
            id,
            kind: credential.kind,
            text: unshown(credential),
            isIssued: credential.issued !== undefined,
          }}
        />
      )}
      {credential.device === undefined && <MqttSessions credential={credential.id} />}
      {revoking.dialog}
      {isRotating && (
        <Rotating
          credential={{ id, kind: credential.kind, hasFormer: credential.former !== undefined }}
          close={() => setRotating(false)}
        />
      )}
    </Page>
  );
}

/** The newest of those that were issued for it; none where it was issued after a backup that was restored. */
function Issued({ credential }: { readonly credential: string }) {
  const org = useOrg();
  const { data } = useSuspenseQuery({
    queryKey: ["credential", org.id, credential, "certificates"],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listCertificates, { params: { credential }, signal }),
  });
  const [newest] = data.items;
  return newest ? <IssuedCertificate certificate={newest} /> : null;
}

/** What was shown when it was made, without what is secret of it. */
const unshown = ({ id, kind }: { readonly id: string; readonly kind: string }): string | undefined =>
  kind === "certificate" || kind === "socket" ? undefined : kind === "apiToken" ? "hf_…" : `${id}.hfs_…`;
