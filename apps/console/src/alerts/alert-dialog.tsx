import { Group, Modal, Stack, Text } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { apiFor } from "../api/index.ts";
import { EntityId, Facts, Moment, ProblemNotice, Scroll, Slow, StateMark, useShown } from "../kit/index.ts";
import { DeviceName, PersonName } from "../naming/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { About } from "./about.tsx";
import { Acknowledge, useAcknowledging } from "./acknowledge.tsx";
import { whatOf, type Alert } from "./alert.ts";

const own = words.alerts;
const every = 4_000; // milliseconds

/** One alert as a whole. It stands in the address, so that a colleague can be sent it. */
export function AlertDialog({ id, ruleOf }: { readonly id: string; readonly ruleOf: (alert: Alert) => string }) {
  const org = useOrg();
  const navigate = useNavigate();
  const { open: _, ...rest } = useShown();
  const { data, error } = useQuery({
    queryKey: ["alert", org.id, id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readAlert, { params: { alert: id }, signal }),
    refetchInterval: every,
  });
  return (
    <Modal
      opened
      onClose={() => void navigate({ to: ".", search: rest })}
      title={data ? own.title(whatOf(data)) : words.places.alerts}
      size="lg"
      closeButtonProps={{ "aria-label": words.common.close }}
    >
      {data ? <Whole alert={data} rule={ruleOf(data)} /> : error ? <ProblemNotice error={error} /> : <Slow />}
    </Modal>
  );
}

function Whole({ alert, rule }: { readonly alert: Alert; readonly rule: string }) {
  const act = useAcknowledging();
  const { acknowledgedBy, acknowledgedAt, clearedAt, because, webhook } = alert;
  return (
    <Stack gap="md">
      <Facts
        facts={[
          [words.common.state, <StateMark key="state" state={alert.state} />],
          [own.about, <About key="about" alert={alert} />],
          ...(because === undefined ? [] : ([[own.because, because]] as const)),
          ...(webhook === undefined ? ([[own.rule, rule]] as const) : []),
          [own.raised, <Moment key="raised" at={alert.raisedAt} exactly />],
          [
            own.seesToIt,
            acknowledgedBy === undefined || acknowledgedAt === undefined ? (
              own.nobody
            ) : (
              <span key="by">
                <PersonName id={acknowledgedBy} /> {own.since} <Moment at={acknowledgedAt} />
              </span>
            ),
          ],
          [own.cleared, clearedAt === undefined ? own.notYet : <Moment key="cleared" at={clearedAt} exactly />],
          [words.common.id, <EntityId key="id" id={alert.id} />],
        ]}
      />
      {webhook !== undefined && <Text fz="sm">{own.webhooks.disabledHint}</Text>}
      {act.error && <ProblemNotice error={act.error} />}
      <Group>
        <Acknowledge alert={alert} act={act} />
      </Group>
      {alert.devices.length > 0 && <Affected alert={alert} />}
      {alert.count > alert.devices.length && <Text fz="sm">{own.unnamed(alert.count - alert.devices.length)}</Text>}
    </Stack>
  );
}

function Affected({ alert }: { readonly alert: Alert }) {
  return (
    <Scroll label={own.affected}>
      <table className="hf-table">
        <caption className="hf-visually-hidden">{own.affected}</caption>
        <thead>
          <tr>
            <th scope="col">{own.device}</th>
            <th scope="col">{own.so}</th>
            <th scope="col">{own.well}</th>
          </tr>
        </thead>
        <tbody>
          {alert.devices.map(({ device, since, endedAt }) => (
            <tr key={device}>
              <td>
                <DeviceName id={device} />
              </td>
              <td>
                <Moment at={since} />
              </td>
              <td>{endedAt === undefined ? own.notYetWell : <Moment at={endedAt} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
