import { Button, Group, Text } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { EntityId, Moment, ProblemNotice, save, Scroll, Slow } from "../kit/index.ts";
import { words } from "../words/index.ts";

const own = words.roots;

/** The platform's roots as everybody may know them: their stages, with the certificates themselves. */
export const useStages = (org: string) =>
  useQuery({
    queryKey: ["roots", "stages"],
    queryFn: ({ signal }) => apiFor(org).call(routes.certificates, { signal }),
  });

/** What devices are to trust: each root with its stage, to be compared and taken away. */
export function Stages({ org }: { readonly org: string }) {
  const { data, error, refetch } = useStages(org);
  if (error && !data) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (!data) return <Slow />;
  return (
    <>
      <Scroll label={own.label}>
        <table className="hf-table">
          <caption className="hf-visually-hidden">{own.label}</caption>
          <thead>
            <tr>
              <th scope="col">{own.stage}</th>
              <th scope="col">{own.since}</th>
              <th scope="col">{own.until}</th>
              <th scope="col">{own.take}</th>
              <th scope="col">SHA-256</th>
            </tr>
          </thead>
          <tbody>
            {data.certificates.map(({ name, state, notBefore, notAfter, sha256, pem }) => (
              <tr key={sha256}>
                <td>{own.stages[state]}</td>
                <td>
                  <Moment at={notBefore} />
                </td>
                <td>
                  <Moment at={notAfter} exactly />
                </td>
                <td>
                  <Button
                    component="a"
                    size="compact-xs"
                    variant="default"
                    href={pem}
                    download={`${name}.pem`}
                    aria-label={`${own.take} ${state}`}
                  >
                    {own.take}
                  </Button>
                </td>
                <td>
                  <EntityId id={sha256} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <All org={org} />
    </>
  );
}

/** All of them in one file, as clients take it. */
function All({ org }: { readonly org: string }) {
  const { data } = useQuery({
    queryKey: ["platform", org],
    queryFn: ({ signal }) => apiFor(org).call(routes.readPlatform, { signal }),
  });
  const caPem = data?.caPem;
  // What their system trusts anyway clients need no file for.
  if (caPem === undefined) return null;
  return (
    <Group gap="xs">
      <Button variant="default" onClick={() => save("ca.pem", "application/x-pem-file", caPem)}>
        {own.takeAll}
      </Button>
      <Text fz="sm" c="var(--hf-dim)">
        {own.takeAllHint}
      </Text>
    </Group>
  );
}
