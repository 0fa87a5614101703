import { Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { routes } from "@holdfast/protocol";
import { apiFor, queryClient } from "../api/index.ts";
import { Confirm, Press } from "../kit/index.ts";
import { sessionQuery, useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.settings.deletion;

/** The end of an organisation begins here; what stands in its place then is the shell's. */
export function DeleteOrganisation() {
  const org = useOrg();
  const can = useCan();
  const [isAsking, asking] = useDisclosure(false);
  const why = can("org.delete") ? undefined : words.common.notAllowed("org.delete");
  return (
    <Stack gap="xs" maw={640} align="flex-start">
      <Title order={2} fz="lg">
        {own.title}
      </Title>
      <Text fz="sm">{own.explanation}</Text>
      <Press color="red" variant="outline" why={why} onClick={asking.open}>
        {own.button}
      </Press>
      <Confirm
        opened={isAsking}
        close={asking.close}
        title={own.title}
        label={own.button}
        name={org.name}
        act={async () => {
          await apiFor(org.id).call(routes.deleteOrg, { body: { name: org.name } });
          await queryClient.refetchQueries(sessionQuery);
        }}
      >
        <Text fz="sm">{own.explanation}</Text>
      </Confirm>
    </Stack>
  );
}
