import { Button, Center, Stack, Text } from "@mantine/core";
import { Link, useRouter } from "@tanstack/react-router";
import { ProblemNotice } from "../kit/index.ts";
import { paths } from "../kit/index.ts";
import { words } from "../words/index.ts";

/** A page that could not be shown. */
export function Failed({ error }: { readonly error: unknown }) {
  const router = useRouter();
  return (
    <Center component="main" tabIndex={-1} mih="60dvh" p="md">
      <Stack maw={560} w="100%">
        <ProblemNotice error={error} retry={() => void router.invalidate()} />
      </Stack>
    </Center>
  );
}

export function Nowhere() {
  return (
    <Center component="main" tabIndex={-1} mih="60dvh" p="md">
      <Stack align="center">
        <Text>{words.problem.nowhere}</Text>
        <Button component={Link} to={paths.start} variant="default">
          {words.problem.toStart}
        </Button>
      </Stack>
    </Center>
  );
}
