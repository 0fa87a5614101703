import { Alert, Group, Stack, Text, Title } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor } from "../api/index.ts";
import { EntityId, Facts, Moment, paths, Press, ProblemNotice, Scroll, Slow } from "../kit/index.ts";
import { sessionQuery, useAdministered } from "../session/index.ts";
import { words } from "../words/index.ts";
import { GoOver, type Step, type Switched } from "./go-over.tsx";
import { isNotOurs, NotOurs } from "./not-ours.tsx";
import { Stages } from "./stages.tsx";

type Staged = Reply<typeof routes.readRoots>;
const own = words.roots;
const steps = ["coming", "spare"] as const;
const refresh = 15_000; // milliseconds: devices say what they trust meanwhile

/** The roots of the instance: how many devices would outlive a switch, and the switch. */
export function InstanceRoots() {
  const by = useAdministered();
  return by === undefined ? <Text>{words.instance.none}</Text> : <Roots by={by} />;
}

function Roots({ by }: { readonly by: string }) {
  const [going, setGoing] = useState<Step | undefined>(undefined);
  const [switched, setSwitched] = useState<Switched | undefined>(undefined);
  const { data, error, refetch } = useQuery({
    queryKey: ["instance", "roots"],
    queryFn: ({ signal }) => apiFor(by).call(routes.readRoots, { signal }),
    refetchInterval: refresh,
  });
  if (isNotOurs(error)) return <NotOurs error={error} />;
  if (error && !data) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (!data) return <Slow />;
  const { devices, version, switchesAt, spareHere } = data;
  return (
    <>
      <Text fz="sm" c="var(--hf-dim)" maw={720}>
        {own.instanceLead}
      </Text>
      {switched && (
        <Alert role="status" variant="outline" color="green" c="var(--hf-text)" title={own.done}>
          <Text fz="sm" component="div">
            {own.doneHint} <EntityId id={switched.current.sha256} />
          </Text>
        </Alert>
      )}
      <Stages org={by} />
      <Facts
        facts={[
          [own.byItself, <Moment key="byItself" at={switchesAt} exactly />],
          [own.spareKey, spareHere ? own.spareHere : own.spareAway],
          [own.version, String(version)],
        ]}
      />
      {steps.map((step) => (
        <Stack key={step} gap="xs">
          <Group justify="space-between">
            <Title order={2} fz="lg">
              {own.titles[step]}
            </Title>
            <Press
              variant={lostBy(devices[step]) === 0 ? "default" : "outline"}
              {...(lostBy(devices[step]) > 0 && { color: "red" })}
              why={step === "spare" && !spareHere ? own.bringSpare : undefined}
              onClick={() => setGoing(step)}
            >
              {own.go[step]}
            </Press>
          </Group>
          <Facts
            facts={[
              [own.ready, String(devices[step].ready)],
              [own.behind, String(devices[step].behind)],
              [own.unknown, String(devices[step].unknown)],
            ]}
          />
        </Stack>
      ))}
      <Organisations staged={data} />
      <GoOver
        by={by}
        to={going}
        cutOff={lostBy(devices[going ?? "coming"])}
        close={() => setGoing(undefined)}
        done={setSwitched}
      />
    </>
  );
}

const lostBy = ({ behind, unknown }: Staged["devices"]["coming"]): number => behind + unknown;

/** Whose devices would be cut off; which they are she sees of those of which she is a member. */
function Organisations({ staged: { organisations } }: { readonly staged: Staged }) {
  const { data } = useSuspenseQuery(sessionQuery);
  const hers = new Map(data.orgs.map(({ id, name }) => [String(id), name]));
  return (
    <Stack gap="xs">
      <Title order={2} fz="lg">
        {own.organisations}
      </Title>
      {organisations.length === 0 ? (
        <Text fz="sm" c="var(--hf-dim)">
          {own.noOrganisations}
        </Text>
      ) : (
        <Scroll label={own.organisations}>
          <table className="hf-table">
            <caption className="hf-visually-hidden">{own.organisations}</caption>
            <thead>
              <tr>
                <th scope="col">{own.organisation}</th>
                <th scope="col">{own.behind}</th>
                <th scope="col">{own.unknown}</th>
                <th scope="col">{own.which}</th>
              </tr>
            </thead>
            <tbody>
              {organisations.map(({ id, behind, unknown }) => (
                <tr key={id}>
                  <td>
                    <EntityId id={id} />
                  </td>
                  <td>{behind}</td>
                  <td>{unknown}</td>
                  <td>
                    {hers.has(id) && (
                      <Link to={paths.deviceRoots} params={{ org: id }}>
                        {own.which}: {hers.get(id)}
                      </Link>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Stack>
  );
}
