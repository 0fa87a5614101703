import { Button, Stack, Text } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";
import { EntityId, Moment, Page, ProblemNotice } from "../kit/index.ts";
import type { Member } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.stopped;

/** In place of every page of an organisation that is stopped as a whole, for its owners: everybody else is not let in. */
export function Stopped({ org }: { readonly org: Member }) {
  const keep = useAct(() => apiFor(org.id).call(routes.keepOrg));
  if (org.isSuspended || org.endsAt === undefined)
    return (
      <Page title={own.suspended(org.name)} lead={<EntityId id={org.id} />}>
        <Text maw={640}>{own.suspendedWhy}</Text>
      </Page>
    );
  return (
    <Page title={own.ending(org.name)} lead={<EntityId id={org.id} />}>
      <Stack gap="sm" maw={640} align="flex-start">
        <Text>
          {own.endingWhy}: <Moment at={org.endsAt} exactly />
        </Text>
        {keep.error && <ProblemNotice error={keep.error} />}
        <Button loading={keep.isPending} onClick={() => keep.mutate(undefined)}>
          {own.callOff}
        </Button>
        <Text fz="sm" c="var(--hf-dim)">
          {own.callOffHint}
        </Text>
      </Stack>
    </Page>
  );
}
