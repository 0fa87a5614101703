import { Alert, Stack, Text } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor } from "../api/index.ts";
import { RowPress, Scroll } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { dayOf, parties, type Party, type Refused } from "./demanded.ts";
import { DemandForm } from "./demand-form.tsx";

const own = words.demands;

/** What the organisation demands of whoever comes to it, of each party apart; and what a change did. */
export function Demands() {
  const org = useOrg();
  const can = useCan();
  const [changing, change] = useState<Party | undefined>(undefined);
  const [done, setDone] = useState<{ before: Refused; after: Refused } | "later" | undefined>(undefined);
  const { data } = useSuspenseQuery({
    queryKey: ["org", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readOrg, { signal }),
  });
  const why = can("org.update")
    ? can("credential.read")
      ? undefined
      : words.common.notAllowed("credential.read")
    : words.common.notAllowed("org.update");
  const { demands } = data;
  return (
    <Stack gap="sm">
      <Text fz="sm">{own.lead}</Text>
      {done && (
        <Alert role="status" variant="outline" color="gray" c="var(--hf-text)" title={own.done}>
          <Text fz="sm">
            {done === "later" ? (
              own.later
            ) : (
              <>
                {own.refused(done.before.credentials.count)} {own.cut(done.before.connections)}{" "}
                {own.left(done.after.connections)}
              </>
            )}
          </Text>
        </Alert>
      )}
      <Scroll label={own.title}>
        <table className="hf-table">
          <caption className="hf-visually-hidden">{own.title}</caption>
          <thead>
            <tr>
              <th scope="col">{own.whose}</th>
              <th scope="col">{own.demanded}</th>
              <th scope="col">{own.change}</th>
            </tr>
          </thead>
          <tbody>
            {parties.map((party) => (
              <tr key={party}>
                <td>{own.parties[party]}</td>
                <td style={{ whiteSpace: "normal" }}>{own.inWords(demands[party] ?? {}, dayOf)}</td>
                <td>
                  <RowPress why={why} onClick={() => change(party)} aria-label={`${own.change} ${own.parties[party]}`}>
                    {own.change}
                  </RowPress>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {changing && (
        <DemandForm
          party={changing}
          demands={demands}
          close={() => change(undefined)}
          done={(what) => {
            setDone(what);
            change(undefined);
          }}
        />
      )}
    </Stack>
  );
}
