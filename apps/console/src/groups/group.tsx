import { Group as Row, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { apiFor, queryClient } from "../api/index.ts";
import { Confirm, EntityId, Page, paths, Press } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Members } from "./members.tsx";
import { DevicesTabs } from "./tabs.tsx";
import { Tasks } from "./tasks.tsx";

export type Group = Reply<typeof routes.readGroup>;
const own = words.groups;
const every = 10_000; // milliseconds: others take devices in and expel them

/** One group: who is in it, and what is to be done. */
export function GroupPage() {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const [isEnding, ending] = useDisclosure(false);
  const { application = "", group: id = "" } = useParams({ strict: false });
  const api = apiFor(org.id);
  const params = { application, group: id };
  const { data: group } = useSuspenseQuery({
    queryKey: ["group", org.id, application, id],
    queryFn: ({ signal }) => api.call(routes.readGroup, { params, signal }),
    refetchInterval: every,
  });
  const why = can("group.manage") ? undefined : words.common.notAllowed("group.manage");
  return (
    <Page
      title={group.name}
      lead={
        <Row gap="sm">
          <span>{own.topic(group.name)}</span>
          <EntityId id={group.id} />
        </Row>
      }
      actions={
        <Press variant="outline" color="red" why={why} onClick={ending.open}>
          {own.remove}
        </Press>
      }
    >
      <DevicesTabs />
      <Members group={group} why={why} />
      <Tasks group={group} />
      <Confirm
        opened={isEnding}
        close={ending.close}
        title={own.remove}
        label={own.remove}
        name={group.name}
        act={async () => {
          await api.call(routes.deleteGroup, { params });
          await navigate({ to: paths.groups, params: { org: org.id }, search: { q: application } });
          await queryClient.invalidateQueries();
        }}
      >
        <Text fz="sm">{own.removeHint}</Text>
      </Confirm>
    </Page>
  );
}
