import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { Program, ProblemNotice, save, Slow } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { commandsOf, type Bound } from "./commands.ts";

const own = words.held;

/** How something that is bound to a key is shown together with the proof of it. */
export function KeyUse({ credential }: { readonly credential: Bound }) {
  const org = useOrg();
  const { data: platform, error } = useQuery({
    queryKey: ["platform", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readPlatform, { signal }),
  });
  const caPem = platform?.caPem;
  return (
    <Stack gap="xs">
      <Title order={2} fz="lg">
        {own.use}
      </Title>
      <Text fz="sm">
        {credential.isIssued ? own.issued.use : credential.text === undefined ? own.usePinned : own.useBound}
      </Text>
      {error && <ProblemNotice error={error} />}
      {!platform && !error && <Slow />}
      {platform &&
        commandsOf(credential, platform).map(({ name, text }) => (
          <Stack key={name} gap={4}>
            <Text fz="sm" fw={600}>
              {own.uses[name]}
            </Text>
            <Program label={own.uses[name]} text={text} />
          </Stack>
        ))}
      {platform && platform.clientCertificateUrl === undefined && (
        <Text fz="sm" c="var(--hf-dim)">
          {own.noPort}
        </Text>
      )}
      {caPem !== undefined && (
        <Group>
          <Button variant="default" onClick={() => save("ca.pem", "application/x-pem-file", caPem)}>
            {words.devices.adding.takeCa}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
