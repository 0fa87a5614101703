import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor, queryClient, useAct } from "../api/index.ts";
import { Confirm, Moment, ProblemNotice } from "../kit/index.ts";
import { words } from "../words/index.ts";

const own = words.factorReset;

type Seen = Reply<typeof routes.listFactorResets>["items"][number];

/** Whose second factors are to go. Nothing where there is nobody. */
export function FactorResets({ by }: { readonly by: string }) {
  const { data, error } = useQuery({
    queryKey: ["instance", "factor-resets"],
    queryFn: ({ signal }) => apiFor(by).call(routes.listFactorResets, { signal }),
  });
  const keep = useAct(({ person }: Seen) => apiFor(by).call(routes.callOffFactorReset, { params: { person } }));
  const problem = error ?? keep.error;
  return (
    <>
      {problem && <ProblemNotice error={problem} />}
      {data && data.items.length > 0 && (
        <Alert variant="outline" color="yellow" c="var(--hf-text)" title={own.title} maw={720}>
          <Stack component="ul" gap="xs" m={0} p={0} style={{ listStyle: "none" }}>
            {data.items.map((seen) => (
              <Group key={seen.person} component="li" gap="xs" justify="space-between">
                <Text fz="sm" component="div">
                  {seen.email}:{" "}
                  {seen.reset && (
                    <>
                      {own.due} <Moment at={seen.reset.dueAt} exactly />
                    </>
                  )}
                </Text>
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label={`${own.callOff}: ${seen.email}`}
                  onClick={() => keep.mutate(seen)}
                >
                  {own.callOff}
                </Button>
              </Group>
            ))}
          </Stack>
        </Alert>
      )}
    </>
  );
}

type Lost = { readonly id: string; readonly email: string };

/** Begins the wait. It asks for her e-mail, because it is about one person among many. */
export function BeginReset({
  by,
  who,
  close,
}: {
  readonly by: string;
  readonly who: Lost | undefined;
  readonly close: () => void;
}) {
  return (
    <Confirm
      opened={who !== undefined}
      close={close}
      title={own.beginTitle(who?.email ?? "")}
      label={own.begin}
      name={who?.email ?? ""}
      act={async () => {
        await apiFor(by).call(routes.beginFactorReset, { params: { person: who?.id ?? "" } });
        await queryClient.invalidateQueries();
      }}
    >
      <Text fz="sm">{own.lead}</Text>
      <Text fz="sm">{own.beginHint}</Text>
    </Confirm>
  );
}
