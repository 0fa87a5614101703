import { Modal, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { parseId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, queryClient } from "../api/index.ts";
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
} from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { useRules } from "./asked.ts";
import { AlertsFrame, useWhyNotManage } from "./frame.tsx";
import type { Rule } from "./rule-fields.ts";
import { RuleForm } from "./rule-form.tsx";

const own = words.alerts.rules;
type Doing =
  | { readonly what: "change"; readonly rule: Rule }
  | { readonly what: "remove"; readonly id: Rule["id"]; readonly name: string };

/** Which devices raise an alert, and whom that is told. */
export function AlertRules() {
  const org = useOrg();
  const why = useWhyNotManage();
  const [isMaking, making] = useDisclosure(false);
  const [doing, setDoing] = useState<Doing | undefined>(undefined);
  const done = () => setDoing(undefined);
  const list = asList(useRules());
  const ofText = useOfText();
  const removal = (id: Rule["id"], name: string) => (
    <RowPress ends why={why} onClick={() => setDoing({ what: "remove", id, name })} aria-label={own.removeOf(name)}>
      {own.remove}
    </RowPress>
  );
  const columns = columnsOf<Rule>([
    { id: "name", head: own.name, width: 120, grows: true, cell: ({ name }) => name },
    {
      id: "change",
      head: own.changes,
      width: 84,
      cell: (rule) => (
        <RowPress why={why} onClick={() => setDoing({ what: "change", rule })} aria-label={own.changeOf(rule.name)}>
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
    { id: "of", head: own.of, width: 140, grows: true, cell: (rule) => ofText(rule) },
    {
      id: "states",
      head: own.whenSo,
      width: 150,
      grows: true,
      cell: ({ states }) => states.map((state) => words.alerts.whats[state]).join(", "),
    },
    { id: "after", head: own.after, width: 100, cell: ({ after }) => after },
    {
      id: "tells",
      head: own.tells,
      width: 170,
      grows: true,
      cell: ({ people, webhooks }) => own.count(people.length, webhooks.length) || own.nobody,
    },
    { id: "created", head: words.common.created, width: 100, cell: ({ createdAt }) => <Moment at={createdAt} /> },
    { id: "id", head: words.common.id, width: 276, cell: ({ id }) => <EntityId id={id} /> },
  ]);
  const add = (
    <Press why={why} onClick={making.open}>
      {own.add}
    </Press>
  );
  const isChanging = doing?.what === "change";
  return (
    <AlertsFrame lead={own.lead} actions={add}>
      <Listing
        list={list}
        empty={<Empty next={add}>{own.empty}</Empty>}
        end={(id) => removal(parseId("alertRule", id), id)}
      >
        <DataTable label={own.label} {...list} columns={columns} idOf={({ id }) => id} nameOf={({ name }) => name} />
      </Listing>
      <Modal
        opened={isMaking || isChanging}
        onClose={() => (isMaking ? making.close() : done())}
        title={isChanging ? own.change : own.add}
        size="lg"
        closeButtonProps={{ "aria-label": words.common.close }}
      >
        {isChanging ? <RuleForm rule={doing.rule} done={done} /> : <RuleForm rule={undefined} done={making.close} />}
      </Modal>
      <Confirm
        opened={doing?.what === "remove"}
        close={done}
        title={own.removeTitle}
        label={own.remove}
        name={doing?.what === "remove" ? doing.name : ""}
        act={async () => {
          if (doing?.what === "remove")
            await apiFor(org.id).call(routes.deleteAlertRule, { params: { rule: doing.id } });
          await queryClient.invalidateQueries();
        }}
      >
        <Text fz="sm">{own.removeHint}</Text>
      </Confirm>
    </AlertsFrame>
  );
}

/** Which devices a rule is about, in words. */
function useOfText(): (rule: Rule) => string {
  const org = useOrg();
  const { data } = useQuery({
    queryKey: ["products-all", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listProducts, { query: { limit: 1_000 }, signal }),
  });
  return ({ of }) => {
    if ("tag" in of) return own.ofTag(of.tag.key, of.tag.value);
    if ("all" in of) return own.ofAll;
    return own.ofProduct(data?.items.find(({ id }) => id === of.product)?.name ?? of.product);
  };
}
