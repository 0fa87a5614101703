import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { routes } from "@holdfast/protocol";
import { Link } from "@tanstack/react-router";
import { apiFor, queryClient } from "../api/index.ts";
import { Confirm, Moment, Page, paths, places } from "../kit/index.ts";
import type { Member } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.unconfirmed;

/** What an owner looks at before she says that an organisation that was restored is as it should be. */
const looked: readonly string[] = [paths.access, paths.audit];
export const placesToLookAt = places.filter(({ to }) => looked.includes(to));
export const isLookedAt = (path: string, org: string): boolean =>
  looked.some((to) => path.startsWith(to.replace("$org", org)));

type Props = { readonly org: Member; readonly since: string };

/** In place of every other page. */
export const Unconfirmed = (props: Props) => (
  <Page title={own.title(props.org.name)}>
    <What {...props} />
  </Page>
);

/** Above what she looks at. */
export const StillUnconfirmed = (props: Props) => (
  <Alert variant="outline" color="orange" c="var(--hf-text)" m="md" mb={0} title={own.title(props.org.name)}>
    <What {...props} />
  </Alert>
);

/** Why it is shut, what to do, and the word that opens it. */
function What({ org, since }: Props) {
  const [isAsking, asking] = useDisclosure(false);
  return (
    <Stack gap="xs" maw={760}>
      <Text fz="sm">
        {own.why} <Moment at={since} exactly />
      </Text>
      <Text fz="sm">{own.what}</Text>
      <Group gap="md">
        <Link to={paths.people} params={{ org: org.id }}>
          {own.people}
        </Link>
        <Link to={paths.access} params={{ org: org.id }}>
          {own.credentials}
        </Link>
        <Button size="compact-sm" onClick={asking.open}>
          {own.confirm}
        </Button>
      </Group>
      <Confirm
        opened={isAsking}
        close={asking.close}
        title={own.confirm}
        label={own.confirm}
        name={org.name}
        act={async () => {
          await apiFor(org.id).call(routes.confirmOrg);
          await queryClient.invalidateQueries();
        }}
      >
        <Text fz="sm">{own.hint}</Text>
      </Confirm>
    </Stack>
  );
}
