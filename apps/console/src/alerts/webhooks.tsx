import { Alert, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { parseId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useState } from "react";
import { apiFor, queryClient, useAct } from "../api/index.ts";
import {
  asList,
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
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { useWebhooks } from "./asked.ts";
import { AlertsFrame, useWhyNotManage } from "./frame.tsx";
import { AddWebhook, ChangeWebhook, type Webhook } from "./webhook-forms.tsx";

const own = words.alerts.webhooks;
type Doing =
  | { readonly what: "change"; readonly webhook: Webhook }
  | { readonly what: "remove"; readonly id: Webhook["id"]; readonly name: string };

/** Programs that are told of alerts, and how that goes. */
export function Webhooks() {
  const org = useOrg();
  const api = apiFor(org.id);
  const why = useWhyNotManage();
  const [isMaking, making] = useDisclosure(false);
  const [doing, setDoing] = useState<Doing | undefined>(undefined);
  const done = () => setDoing(undefined);
  const list = asList(useWebhooks());
  const test = useAct(({ id }: Webhook) => api.call(routes.tryWebhook, { params: { webhook: id } }));
  const enable = useAct(({ id, version }: Webhook) =>
    api.call(routes.updateWebhook, { params: { webhook: id }, body: { state: "enabled" }, ifVersion: version }),
  );
  const removal = (id: Webhook["id"], name: string) => (
    <RowPress ends why={why} onClick={() => setDoing({ what: "remove", id, name })} aria-label={own.removeOf(name)}>
      {own.remove}
    </RowPress>
  );
  const columns = columnsOf<Webhook>([
    { id: "name", head: words.common.name, width: 130, grows: true, cell: ({ name }) => name },
    {
      id: "state",
      head: words.common.state,
      width: 100,
      cell: ({ state, failingSince }) => (
        <StateMark state={state === "disabled" ? "disabled" : failingSince === undefined ? "active" : "failing"} />
      ),
    },
    {
      id: "test",
      head: own.test,
      width: 70,
      cell: (webhook) => (
        <RowPress
          why={why}
          loading={test.isPending && test.variables.id === webhook.id}
          onClick={() => test.mutate(webhook)}
          aria-label={own.testOf(webhook.name)}
        >
          {own.test}
        </RowPress>
      ),
    },
    { id: "url", head: own.url, width: 200, grows: true, cell: ({ url }) => <span title={url}>{url}</span> },
    {
      id: "failing",
      head: own.failing,
      width: 110,
      cell: ({ failingSince }) => (failingSince === undefined ? own.noProblem : <Moment at={failingSince} />),
    },
    { id: "problem", head: own.problem, width: 180, grows: true, cell: ({ problem = "" }) => problem },
    {
      id: "change",
      head: own.changes,
      width: 84,
      cell: (webhook) => (
        <RowPress
          why={why}
          onClick={() => setDoing({ what: "change", webhook })}
          aria-label={own.changeOf(webhook.name)}
        >
          {own.changes}
        </RowPress>
      ),
    },
    {
      id: "remove",
      head: own.remove,
      width: 88,
      cell: ({ id, name }) => removal(id, name),
    },
    { id: "created", head: words.common.created, width: 100, cell: ({ createdAt }) => <Moment at={createdAt} /> },
    { id: "id", head: words.common.id, width: 276, cell: ({ id }) => <EntityId id={id} /> },
  ]);
  const add = (
    <Press why={why} onClick={making.open}>
      {own.add}
    </Press>
  );
  const error = test.error ?? enable.error;
  return (
    <AlertsFrame lead={own.lead} actions={add}>
      {error && <ProblemNotice error={error} />}
      {test.data && <Tested name={test.variables.name} {...test.data} />}
      {list.rows
        .filter(({ state }) => state === "disabled")
        .map((webhook) => (
          <Alert key={webhook.id} color="red" variant="outline" c="var(--hf-text)" title={own.isDisabled(webhook.name)}>
            <Text fz="sm" mb="xs">
              {own.disabledHint}
            </Text>
            <Press
              size="compact-sm"
              variant="default"
              why={why}
              loading={enable.isPending && enable.variables.id === webhook.id}
              onClick={() => enable.mutate(webhook)}
              aria-label={own.enableOf(webhook.name)}
            >
              {own.enable}
            </Press>
          </Alert>
        ))}
      <Listing
        list={list}
        empty={<Empty next={add}>{own.empty}</Empty>}
        end={(id) => removal(parseId("webhook", id), id)}
      >
        <DataTable label={own.label} {...list} columns={columns} idOf={({ id }) => id} nameOf={({ name }) => name} />
      </Listing>
      <AddWebhook opened={isMaking} close={making.close} />
      {doing?.what === "change" && <ChangeWebhook webhook={doing.webhook} close={done} />}
      <Confirm
        opened={doing?.what === "remove"}
        close={done}
        title={own.removeTitle}
        label={own.remove}
        name={doing?.what === "remove" ? doing.name : ""}
        act={async () => {
          if (doing?.what === "remove") await api.call(routes.deleteWebhook, { params: { webhook: doing.id } });
          await queryClient.invalidateQueries();
        }}
      >
        <Text fz="sm">{own.removeHint}</Text>
      </Confirm>
    </AlertsFrame>
  );
}

/** What became of a test: that it was taken, or why not and what to do. */
function Tested({
  name,
  taken,
  problem,
}: {
  readonly name: string;
  readonly taken: boolean;
  readonly problem?: string | undefined;
}) {
  if (taken) {
    return (
      <Text fz="sm" role="status" className="hf-state hf-disc hf-good">
        {own.taken(name)}
      </Text>
    );
  }
  return (
    <Alert role="alert" color="red" variant="outline" c="var(--hf-text)" title={own.notTaken(name)}>
      {problem !== undefined && <Text fz="sm">{own.reason(problem)}</Text>}
      <Text fz="sm">{own.fix}</Text>
    </Alert>
  );
}
