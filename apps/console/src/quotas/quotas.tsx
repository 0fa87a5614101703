import { Alert, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { apiFor } from "../api/index.ts";
import { Moment, paths, ProblemNotice } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

type Quota = Reply<typeof routes.readQuotas>["items"][number];
const own = words.usage;

function useQuotas() {
  const org = useOrg();
  const can = useCan();
  return useQuery({
    queryKey: ["quotas", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readQuotas, { signal }),
    enabled: can("quota.read"),
    refetchInterval: 30_000,
  });
}

const shareOf = ({ used, limit }: Quota): number => (limit === 0 ? 100 : Math.floor((used / limit) * 100));
const looks = { fine: "hf-good", warned: "hf-warn", exhausted: "hf-bad" } as const;
const marks = { fine: "hf-disc", warned: "hf-bars", exhausted: "hf-cross" } as const;
const colours = { fine: "var(--hf-good)", warned: "var(--hf-warn)", exhausted: "var(--hf-bad)" } as const;

/** What the plan bounds, each as a bar; nothing where there is no plan. */
export function Quotas() {
  const { data, error, refetch } = useQuotas();
  if (error) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (!data) return null;
  return (
    <Stack gap="xs">
      <Title order={2} fz="lg">
        {own.quotas}
      </Title>
      {data.items.length === 0 ? (
        <Text fz="sm" c="var(--hf-dim)">
          {own.noPlan}
        </Text>
      ) : (
        <>
          <Text fz="sm" c="var(--hf-dim)">
            {own.plan(data.plan ?? "")} <Moment at={data.to} />
          </Text>
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
            {data.items.map((quota) => (
              <Bar key={quota.quota} quota={quota} />
            ))}
          </SimpleGrid>
        </>
      )}
    </Stack>
  );
}

function Bar({ quota }: { readonly quota: Quota }) {
  const share = shareOf(quota);
  const { state } = quota;
  return (
    <div>
      <Text fz="sm" component="div">
        <strong>{own.names[quota.quota]}</strong> {own.of(quota.used, quota.limit)}{" "}
        <span className={`hf-state ${marks[state]} ${looks[state]}`}>{own.states[state]}</span>
      </Text>
      <Progress.Root size="md" bg="var(--hf-line)" mt={4}>
        <Progress.Section
          value={Math.min(100, share)}
          color={colours[state]}
          aria-label={`${own.names[quota.quota]}: ${own.share(share)}`}
        />
      </Progress.Root>
      {state === "exhausted" && (
        <Text fz="sm" mt={4}>
          {own.refused[quota.quota]}
        </Text>
      )}
    </div>
  );
}

/** On the overview: what is nearly or wholly used up, before somebody wonders why something is refused. */
export function QuotaFindings() {
  const org = useOrg();
  const { data } = useQuotas();
  const found = data?.items.filter(({ state }) => state !== "fine") ?? [];
  if (found.length === 0) return null;
  const isOver = found.some(({ state }) => state === "exhausted");
  return (
    <Alert
      color={isOver ? "red" : "yellow"}
      variant="outline"
      title={isOver ? own.exhausted : own.warned}
      c="var(--hf-text)"
    >
      <Text fz="sm">
        {found.map((quota) => `${own.names[quota.quota]}: ${own.share(shareOf(quota))}`).join(" · ")}{" "}
        <Link to={paths.usage} params={{ org: org.id }}>
          {own.toUsage}
        </Link>
      </Text>
    </Alert>
  );
}
