import { rfc3339 } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { credentialId, on, type Handler } from "../authority/index.ts";
import type { MqttSession, MqttSessions } from "./mqtt-sessions.ts";

export const messageRoutes = ({ mqttSessions }: { mqttSessions: MqttSessions }): Handler[] => [
  on(routes.listDeviceSessions, async ({ permit }) => sessionsReply(await mqttSessions.ofDevice(permit))),
  on(routes.listCredentialSessions, async ({ permit, params }) =>
    sessionsReply(await mqttSessions.ofCredential(permit, credentialId(params["credential"]))),
  ),
];

const sessionsReply = ({ items, total }: { items: readonly MqttSession[]; total: number }) => ({
  items: items.map(sessionReply),
  total,
});

const sessionReply = ({ connection, since, endsAt, expirySeconds, dropped, ...session }: MqttSession) => {
  const { clientId, state, subscriptions, subscriptionCount, waiting, underWay } = session;
  const { queueFull, spaceFull, old, expired, tooLarge, slow } = dropped;
  return {
    clientId,
    state,
    since: rfc3339(since),
    ...(connection && {
      protocol: connection.protocolVersion === 5 ? ("5" as const) : ("3.1.1" as const),
      transport: connection.transport,
    }),
    keptSeconds: expirySeconds,
    ...(endsAt !== undefined && { endsAt: rfc3339(endsAt) }),
    subscriptions: [...subscriptions],
    subscriptionCount,
    waiting: { ...waiting },
    underWay,
    dropped: { queueFull, orgFull: spaceFull, tooOld: old, expired, tooLarge, slow },
  };
};
