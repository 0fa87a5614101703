import { Stack, Text, Title } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { apiFor } from "../api/index.ts";
import { paths, ProblemNotice, Scroll } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.posture;

/** What is weak about the devices, with how many have it; each leads to those. */
export function Posture() {
  const org = useOrg();
  const { data, error } = useQuery({
    queryKey: ["posture", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readPosture, { signal }),
    refetchInterval: 30_000,
  });
  if (error && !data) return <ProblemNotice error={error} />;
  const found = data?.items.filter(({ devices }) => devices > 0) ?? [];
  if (!data || data.total === 0) return null;
  return (
    <Stack gap="xs">
      <Title order={2} fz="lg">
        {own.title}
      </Title>
      <Text fz="sm" c="var(--hf-dim)">
        {own.well(data.well, data.total)} {found.length > 0 && own.lead}
      </Text>
      {found.length > 0 && (
        <Scroll label={own.title}>
          <table className="hf-table">
            <caption className="hf-visually-hidden">{own.title}</caption>
            <thead>
              <tr>
                <th scope="col">{own.finding}</th>
                <th scope="col">{own.devices}</th>
                <th scope="col">{own.fix}</th>
              </tr>
            </thead>
            <tbody>
              {found.map(({ finding, devices }) => (
                <tr key={finding}>
                  <td>
                    <Link to={paths.devices} params={{ org: org.id }} search={{ q: `finding:${finding}` }}>
                      {own.findings[finding].title}
                    </Link>
                  </td>
                  <td>{devices}</td>
                  <td style={{ whiteSpace: "normal" }}>{own.findings[finding].fix}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Stack>
  );
}
