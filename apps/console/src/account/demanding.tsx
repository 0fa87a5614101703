import { Alert, Button, List, Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Moment, paths } from "../kit/index.ts";
import { sessionQuery, useSignOut } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.account.demanding;

/** Which organisations she has lost, or will lose, until she has what they demand. */
export function Demanding() {
  const { data } = useSuspenseQuery(sessionQuery);
  const signOut = useSignOut();
  const demanding = data.orgs.flatMap((org) => (org.factor ? [{ ...org, factor: org.factor }] : []));
  if (demanding.length === 0) return null;
  const isUnshown = demanding.some(({ refused }) => refused?.code === "factor.unshown");
  const isLost = demanding.some(({ refused }) => refused?.code.startsWith("factor."));
  return (
    <Alert
      variant="outline"
      color={isLost ? "yellow" : "gray"}
      c="var(--hf-text)"
      title={isLost ? own.lost : own.title}
      maw={720}
    >
      <Stack gap="xs" align="flex-start">
        <List size="sm">
          {demanding.map(({ id, name, factor, lacksFrom, refused }) => (
            <List.Item key={id}>
              <Link to={paths.overview} params={{ org: id }}>
                {name}
              </Link>{" "}
              {own.demands[factor]}
              {lacksFrom !== undefined && (
                <>
                  {" "}
                  {own.from} <Moment at={lacksFrom} exactly />
                </>
              )}
              {own.lacks(refused?.code)}
            </List.Item>
          ))}
        </List>
        {isUnshown && (
          <>
            <Text fz="sm">{own.unshown}</Text>
            <Button variant="default" onClick={() => void signOut(paths.account)}>
              {words.session.again}
            </Button>
          </>
        )}
      </Stack>
    </Alert>
  );
}
