import { Stack, Text, Title } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { Empty, Moment, ProblemNotice, Scroll, StateMark } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

type Session = Reply<typeof routes.listDeviceSessions>["items"][number];
const own = words.mqttSessions;

type Whose = { readonly device: string } | { readonly credential: string };

/** Somebody's MQTT sessions: what each waits for and what it lost, so that nobody has to guess why a message did not come. */
export function MqttSessions(whose: Whose) {
  const org = useOrg();
  const { data, error } = useQuery({
    queryKey: ["mqtt-sessions", org.id, whose],
    queryFn: ({ signal }) =>
      "device" in whose
        ? apiFor(org.id).call(routes.listDeviceSessions, { params: whose, signal })
        : apiFor(org.id).call(routes.listCredentialSessions, { params: whose, signal }),
    refetchInterval: 5_000,
  });
  return (
    <Stack gap="sm">
      <Title order={2} fz="lg">
        {own.title}
      </Title>
      {error && !data && <ProblemNotice error={error} />}
      {data && (data.items.length === 0 ? <Empty>{own.none}</Empty> : <Table sessions={data.items} />)}
      {data && data.total > data.items.length && (
        <Text fz="sm" c="var(--hf-dim)">
          {own.more(data.items.length, data.total)}
        </Text>
      )}
    </Stack>
  );
}

function Table({ sessions }: { readonly sessions: readonly Session[] }) {
  return (
    <Scroll label={own.title}>
      <table className="hf-table">
        <caption className="hf-visually-hidden">{own.title}</caption>
        <thead>
          <tr>
            {[own.client, words.common.state, own.since, own.ends, own.filters, own.waiting, own.lost].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <Row key={session.clientId} session={session} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Row({ session }: { readonly session: Session }) {
  const { clientId, state, since, endsAt, keptSeconds, subscriptions, subscriptionCount, waiting, dropped } = session;
  const [first] = subscriptions;
  return (
    <tr>
      <td>
        <code>{clientId}</code>
      </td>
      <td>
        <StateMark state={state} />
      </td>
      <td>
        <Moment at={since} />
      </td>
      <td>{endsAt === undefined ? own.keeps(keptSeconds) : <Moment at={endsAt} />}</td>
      <td title={subscriptions.map(({ filter }) => filter).join("\n")}>
        {first === undefined ? words.common.none : <code>{first.filter}</code>}
        {subscriptionCount > 1 && ` ${own.andMore(subscriptionCount - 1)}`}
      </td>
      <td>{waiting.messages === 0 ? own.nothing : own.waits(waiting.messages, waiting.bytes)}</td>
      <td>{lostOf(dropped)}</td>
    </tr>
  );
}

/** How many messages and why, the most frequent reason first. */
function lostOf(dropped: Session["dropped"]): string {
  const reasons = Object.entries(own.why) as [keyof Session["dropped"], string][]; // the keys of a constant
  const lost = reasons.filter(([why]) => dropped[why] > 0).toSorted(([one], [other]) => dropped[other] - dropped[one]);
  return lost.length === 0 ? own.nothing : lost.map(([why, word]) => `${dropped[why]} ${word}`).join(", ");
}
