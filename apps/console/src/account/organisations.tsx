import { Button, Card, Group, Stack, Text } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor, queryClient } from "../api/index.ts";
import { Confirm, Moment, paths } from "../kit/index.ts";
import { sessionQuery, type Member } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.account.organisations;

/** Where she belongs, what an organisation that refuses her wants of her, and the way out of each. */
export function OwnOrganisations() {
  const { data } = useSuspenseQuery(sessionQuery);
  const [leaving, setLeaving] = useState<Member | undefined>(undefined);
  return (
    <Stack gap="sm" maw={720}>
      <Text fz="sm">{own.lead}</Text>
      {data.orgs.map((org) => (
        <Card key={org.id} withBorder p="sm" bg="var(--hf-raised)">
          <Group justify="space-between" align="flex-start" gap="sm">
            <div>
              <Link to={paths.overview} params={{ org: org.id }}>
                {org.name}
              </Link>
              <Text fz="sm">{own.as(org.role)}</Text>
              {org.refused && (
                <Text fz="sm" className="hf-state hf-cross hf-warn">
                  {org.refused.code.startsWith("credential.") ? words.barred.signedOut : org.refused.because}
                </Text>
              )}
              {org.endsAt !== undefined && (
                <Text fz="sm" className="hf-state hf-bars hf-warn">
                  {own.ends} <Moment at={org.endsAt} exactly />
                </Text>
              )}
            </div>
            <Button
              size="compact-sm"
              color="red"
              variant="outline"
              onClick={() => setLeaving(org)}
              aria-label={`${own.leave} ${org.name}`}
            >
              {own.leave}
            </Button>
          </Group>
        </Card>
      ))}
      <Confirm
        opened={leaving !== undefined}
        close={() => setLeaving(undefined)}
        title={own.leave}
        label={own.leave}
        name={leaving?.name ?? ""}
        act={async () => {
          await apiFor().call(routes.leaveOrganisation, { params: { org: leaving?.id ?? "" } });
          queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey.includes(leaving?.id) });
          await queryClient.refetchQueries(sessionQuery);
        }}
      >
        <Text fz="sm">{own.leaveHint}</Text>
      </Confirm>
    </Stack>
  );
}
