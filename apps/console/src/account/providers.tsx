import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Moment, ProblemNotice } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { Asking } from "./asking.tsx";
import { AccountCard } from "./card.tsx";

const own = words.byProvider.inYourAccount;

type Own = Reply<typeof routes.listOwnProviders>["items"][number];

/** By which organisations' providers she comes as who she is here: only she says so. */
export function OwnProviders() {
  const [unlinking, unlink] = useState<Own | undefined>(undefined);
  const { data } = useSuspenseQuery({
    queryKey: ["account", "providers"],
    queryFn: ({ signal }) => apiFor().call(routes.listOwnProviders, { signal }),
  });
  const link = useAct(async ({ org, provider }: Own) => {
    const { location } = await apiFor().call(routes.beginLink, { body: { org, provider } });
    window.location.assign(location);
    await new Promise(() => {}); // she is leaving
  });
  const remove = useAct(async () => {
    await apiFor().call(routes.removeLink, { params: { provider: unlinking?.provider ?? "" } });
    unlink(undefined);
  });
  if (data.items.length === 0) return null;
  return (
    <AccountCard title={own.title} lead={own.lead}>
      <Stack component="ul" gap="sm" w="100%" m={0} p={0} aria-label={own.title} style={{ listStyle: "none" }}>
        {data.items.map((one) => {
          const name = own.of(one.name, one.orgName);
          return (
            <Group key={one.provider} component="li" justify="space-between" gap="xs" aria-label={name}>
              <div>
                <Text fz="sm" fw={600}>
                  {name}
                </Text>
                <Text fz="sm" c="var(--hf-dim)" component="div">
                  {one.linkedAt === undefined ? (
                    own.not
                  ) : (
                    <>
                      {own.since} <Moment at={one.linkedAt} />
                    </>
                  )}
                </Text>
              </div>
              {one.linkedAt === undefined ? (
                <Button
                  size="compact-sm"
                  variant="default"
                  loading={link.isPending}
                  aria-label={`${own.link} ${name}`}
                  onClick={() => link.mutate(one)}
                >
                  {own.link}
                </Button>
              ) : (
                <Button
                  size="compact-sm"
                  color="red"
                  variant="outline"
                  aria-label={`${own.unlink} ${name}`}
                  onClick={() => unlink(one)}
                >
                  {own.unlink}
                </Button>
              )}
            </Group>
          );
        })}
      </Stack>
      {link.error && <ProblemNotice error={link.error} />}
      {unlinking && (
        <Modal
          opened
          onClose={() => unlink(undefined)}
          title={own.unlinkTitle(unlinking.name)}
          closeButtonProps={{ "aria-label": words.common.close }}
        >
          <Asking label={own.unlink} color="red" act={remove} close={() => unlink(undefined)}>
            <Text fz="sm">{own.unlinkHint}</Text>
          </Asking>
        </Modal>
      )}
    </AccountCard>
  );
}
