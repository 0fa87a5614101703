import { Button, Group, Stack, Text } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Confirm, Empty, EntityId, Facts, Moment, Press, save } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.security.authorities;

/** The organisation's own certificate authorities, which issue certificates to its devices. */
export function Authorities() {
  const org = useOrg();
  const can = useCan();
  const [ending, setEnding] = useState<string | undefined>(undefined);
  const { data } = useSuspenseQuery({
    queryKey: ["authorities", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listCertificateAuthorities, { signal }),
  });
  const end = useAct((certificateAuthority: string) =>
    apiFor(org.id).call(routes.endCertificateAuthority, { params: { certificateAuthority } }),
  );
  const why = can("credential.revoke") ? undefined : words.common.notAllowed("credential.revoke");
  return (
    <Stack gap="sm">
      <Text fz="sm">{own.lead}</Text>
      {data.items.length === 0 && <Empty>{own.none}</Empty>}
      {data.items.map(({ id, certificate, sha256, notAfter }) => (
        <Stack key={id} gap="xs">
          <Facts
            facts={[
              [own.id, <EntityId key="id" id={id} />],
              [words.security.until, <Moment key="until" at={notAfter} exactly />],
              ["SHA-256", <code key="sha256">{sha256}</code>],
            ]}
          />
          <Group gap="xs">
            <Button
              variant="default"
              aria-label={`${own.take} ${id}`}
              onClick={() => save(`${id}.pem`, "application/x-pem-file", certificate)}
            >
              {own.take}
            </Button>
            <Press
              color="red"
              variant="outline"
              why={why}
              aria-label={`${own.end} ${id}`}
              onClick={() => setEnding(id)}
            >
              {own.end}
            </Press>
          </Group>
        </Stack>
      ))}
      <Confirm
        opened={ending !== undefined}
        title={own.endTitle}
        name={(ending ?? "").slice(0, 12)}
        label={own.end}
        act={() => end.mutateAsync(ending ?? "")}
        close={() => setEnding(undefined)}
      >
        <Text fz="sm">{own.endHint}</Text>
      </Confirm>
    </Stack>
  );
}
