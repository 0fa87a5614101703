import { Button, Group, Modal, Stack, Text, Title } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, everyPage, useAct } from "../api/index.ts";
import { Moment, Press, ProblemNotice } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { useWhyNot, type Provider } from "./use-providers.ts";

const own = words.providers.people;

type Linked = Reply<typeof routes.listLinkedPeople>["items"][number];

/** Who comes by it, and the way to forget who somebody is there. */
export function LinkedPeople({ provider }: { readonly provider: Provider }) {
  const org = useOrg();
  const api = apiFor(org.id);
  const why = useWhyNot();
  const [forgetting, forget] = useState<Linked | undefined>(undefined);
  const params = { provider: provider.id };
  const { data, error } = useQuery({
    queryKey: ["linked", org.id, provider.id],
    queryFn: ({ signal }) =>
      everyPage((cursor) => api.call(routes.listLinkedPeople, { params, query: { limit: 200, cursor }, signal })),
  });
  const unlink = useAct(async () => {
    await api.call(routes.unlinkPerson, { params: { ...params, person: forgetting?.person ?? "" } });
    forget(undefined);
  });
  return (
    <Stack gap="xs" component="section" aria-label={words.providers.of(own.title, provider.name)}>
      <Title order={3} fz="md">
        {own.title}
      </Title>
      {error && <ProblemNotice error={error} />}
      {data?.length === 0 && <Text fz="sm">{own.none}</Text>}
      {data && data.length > 0 && (
        <Stack component="ul" gap="xs" m={0} p={0} aria-label={own.title} style={{ listStyle: "none" }}>
          {data.map((one) => (
            <Group key={one.person} component="li" justify="space-between" gap="xs">
              <Text fz="sm" component="div">
                {one.email}, {own.since} <Moment at={one.linkedAt} />
                {!one.isMember && <span className="hf-state hf-cross hf-off"> {own.noMember}</span>}
              </Text>
              <Press
                size="compact-sm"
                variant="default"
                why={why}
                aria-label={`${own.unlink} ${one.email}`}
                onClick={() => forget(one)}
              >
                {own.unlink}
              </Press>
            </Group>
          ))}
        </Stack>
      )}
      {forgetting && (
        <Modal
          opened
          onClose={() => forget(undefined)}
          title={own.unlinkTitle(forgetting.email)}
          closeButtonProps={{ "aria-label": words.common.close }}
        >
          <Stack gap="md">
            <Text fz="sm">{own.unlinkHint}</Text>
            {unlink.error && <ProblemNotice error={unlink.error} />}
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={() => forget(undefined)}>
                {words.common.cancel}
              </Button>
              <Button color="red" loading={unlink.isPending} onClick={() => unlink.mutate(undefined)}>
                {own.unlink}
              </Button>
            </Group>
          </Stack>
        </Modal>
      )}
    </Stack>
  );
}
