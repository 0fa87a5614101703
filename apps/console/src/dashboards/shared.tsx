import { ApiProblem, Client } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Group, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { Moment, ProblemNotice, Slow, TimeZoneProvider } from "../kit/index.ts";
import { Door } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Board } from "./board.tsx";
import { dashboardQuery, type Asking } from "./data.ts";

const own = words.dashboards.shared;

/** What a link says behind its `#`, which no browser sends anywhere. */
const secretIn = (hash: string): string | undefined => /^#(key_[0-9a-f]{32}\.hfs_[\w-]+)$/.exec(hash)?.[1];

/** A dashboard for whoever has a link to it: it is looked at, and nothing else is here. */
export function Shared() {
  const [secret, setSecret] = useState(() => secretIn(window.location.hash));
  useEffect(() => {
    const changed = () => setSecret(secretIn(window.location.hash));
    window.addEventListener("hashchange", changed);
    return () => window.removeEventListener("hashchange", changed);
  }, []);
  if (secret === undefined)
    return (
      <Door title={own.noLink} lead={own.noLinkWhy}>
        {null}
      </Door>
    );
  return <ByLink key={secret} secret={secret} />;
}

function ByLink({ secret }: { readonly secret: string }) {
  const asking = useMemo((): Asking => {
    // Nothing of the secret itself: what is kept is kept by its id.
    return { client: new Client({ url: window.location.origin, token: secret }), key: secret.slice(0, 36) };
  }, [secret]);
  const { client, key } = asking;
  const whole = useQuery({
    queryKey: ["shared", key],
    queryFn: ({ signal }) => client.call(routes.whoAmI, { signal }),
    refetchInterval: 60_000,
  });
  const id = whole.data?.dashboard;
  const dashboard = useQuery({ ...dashboardQuery(asking, id ?? ""), enabled: id !== undefined });
  const picture = useQuery({
    queryKey: ["dashboard-devices", key, id],
    queryFn: ({ signal }) => client.call(routes.readDashboardDevices, { params: { dashboard: id ?? "" }, signal }),
    enabled: id !== undefined,
  });
  const error = [whole, dashboard, picture].map((query) => query.error).find((one) => one instanceof ApiProblem);
  const name = dashboard.data?.name;
  useEffect(() => {
    document.title = `${name ?? own.title} · ${words.product}`;
  }, [name]);
  if (error instanceof ApiProblem && (error.status === 401 || error.status === 404))
    return (
      <Door title={own.over} lead={own.overWhy}>
        {null}
      </Door>
    );
  if (error) return <ProblemNotice error={error} retry={() => void whole.refetch()} />;
  if (!dashboard.data) return <Slow />;
  const { expiresAt } = whole.data ?? {};
  return (
    <TimeZoneProvider>
      <main className="hf-shared" tabIndex={-1}>
        <Group justify="space-between" mb="md">
          <div>
            <Title order={1} fz="xl" fw={650}>
              {dashboard.data.name}
            </Title>
            {dashboard.data.description !== undefined && (
              <Text fz="sm" c="var(--hf-dim)">
                {dashboard.data.description}
              </Text>
            )}
          </div>
          {expiresAt !== undefined && (
            <Text fz="xs" c="var(--hf-dim)">
              {own.until} <Moment at={expiresAt} />
            </Text>
          )}
        </Group>
        <Board asking={asking} dashboard={dashboard.data} all />
      </main>
    </TimeZoneProvider>
  );
}
