import { routes } from "@holdfast/protocol";
import { Alert, Button, Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { apiFor, useAct } from "../api/index.ts";
import { Moment, ProblemNotice } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { factorResetQuery } from "./account.ts";

const own = words.factorReset;

/** What she shows beside her password is to go: she is told wherever she looks at it, and can object. */
export function FactorReset() {
  const { data } = useSuspenseQuery(factorResetQuery);
  const keep = useAct(() => apiFor().call(routes.callOffOwnFactorReset));
  if (!data.reset) return null;
  return (
    <Alert variant="outline" color="red" c="var(--hf-text)" title={own.waiting} maw={720}>
      <Stack gap="xs" align="flex-start">
        <Text fz="sm" component="div">
          {own.waits} <Moment at={data.reset.dueAt} exactly />.
        </Text>
        {keep.error && <ProblemNotice error={keep.error} />}
        <Button loading={keep.isPending} onClick={() => keep.mutate(undefined)}>
          {own.keep}
        </Button>
      </Stack>
    </Alert>
  );
}
