import { NativeSelect } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Link, useNavigate } from "@tanstack/react-router";
import { apiFor, useList } from "../api/index.ts";
import {
  columnsOf,
  DataTable,
  Empty,
  EntityId,
  Listing,
  Moment,
  paths,
  StateMark,
  useShown,
  Press,
} from "../kit/index.ts";
import { useState } from "react";
import { RevokeMany } from "../revoking/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { kindWord, words } from "../words/index.ts";
import { AccessFrame } from "./frame.tsx";

type Credential = Reply<typeof routes.listCredentials>["items"][number];

const own = words.access;

/** Who and what may come in: every credential of the organisation, and never a secret. */
export function Credentials() {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const [isRevoking, setRevoking] = useState(false);
  const { q } = useShown();
  const list = useList(["credentials", org.id, q], (cursor, signal) =>
    apiFor(org.id).call(routes.listCredentials, { query: { cursor, kind: q, limit: 200 }, signal }),
  );
  const columns = columnsOf<Credential>([
    {
      id: "name",
      head: words.common.name,
      width: 160,
      grows: true,
      cell: ({ id, name, kind }) => (
        <Link to={paths.credential} params={{ org: org.id, credential: id }}>
          {name === "" ? kindWord(kind) : name}
        </Link>
      ),
    },
    { id: "kind", head: own.kind, width: 140, cell: ({ kind }) => kindWord(kind) },
    { id: "state", head: words.common.state, width: 110, cell: ({ state }) => <StateMark state={state} /> },
    {
      id: "findings",
      head: own.lookAt,
      width: 130,
      cell: ({ findings }) => findings.map((finding) => words.wear.findings[finding]).join(", "),
    },
    {
      id: "grants",
      head: own.grants,
      width: 180,
      grows: true,
      cell: ({ grants }) => <span title={grants.join("\n")}>{grants.join(", ")}</span>,
    },
    {
      id: "used",
      head: own.lastUsed,
      width: 120,
      cell: ({ lastUsedAt }) => (lastUsedAt === undefined ? words.common.never : <Moment at={lastUsedAt} />),
    },
    {
      id: "expires",
      head: own.expires,
      width: 120,
      cell: ({ expiresAt }) => (expiresAt === undefined ? words.common.never : <Moment at={expiresAt} />),
    },
    { id: "id", head: words.common.id, width: 276, cell: ({ id }) => <EntityId id={id} /> },
  ]);
  const mayMake = ["token.create", "operatorKey.create", "accessKey.create"].some(can);
  const add = (
    <Press
      why={mayMake ? undefined : words.common.notAllowed("token.create")}
      onClick={() => void navigate({ to: paths.addCredential, params: { org: org.id } })}
    >
      {own.add}
    </Press>
  );
  const actions = (
    <>
      <Press
        color="red"
        variant="outline"
        onClick={() => setRevoking(true)}
        why={can("credential.revoke") ? undefined : words.common.notAllowed("credential.revoke")}
      >
        {words.revoking.many}
      </Press>
      {add}
    </>
  );
  return (
    <AccessFrame lead={own.lead} actions={actions}>
      {isRevoking && <RevokeMany close={() => setRevoking(false)} />}
      <NativeSelect
        label={own.kind}
        w={220}
        value={q ?? ""}
        data={[
          { value: "", label: own.everyKind },
          ...Object.entries(own.kinds).map(([value, label]) => ({ value, label })),
        ]}
        onChange={(event) => {
          const kind = event.currentTarget.value;
          void navigate({ to: ".", search: kind === "" ? {} : { q: kind } });
        }}
      />
      <Listing list={list} empty={<Empty next={add}>{own.empty}</Empty>}>
        <DataTable
          label={words.places.access}
          {...list}
          columns={columns}
          idOf={({ id }) => id}
          nameOf={({ name, id }) => name || id}
        />
      </Listing>
    </AccessFrame>
  );
}
