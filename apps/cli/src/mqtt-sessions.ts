import type { Reply } from "@holdfast/client";
import type { routes } from "@holdfast/protocol";
import type { Tools } from "./tools.ts";

type Sessions = Reply<typeof routes.listDeviceSessions>;
type Session = Sessions["items"][number];

/** MQTT sessions, of a device or a program. */
export function showSessions(sessions: Sessions, { print }: Tools): void {
  const columns = [
    { title: "CLIENT ID", cell: ({ clientId }: Session) => clientId },
    { title: "STATE", cell: ({ state }: Session) => state },
    { title: "SINCE", cell: ({ since }: Session) => print.ago(since) },
    { title: "KEPT UNTIL", cell: ({ endsAt }: Session) => print.at(endsAt) },
    { title: "FILTERS", cell: filtersOf },
    { title: "WAITING", cell: ({ waiting }: Session) => String(waiting.messages), align: "right" as const },
    { title: "BYTES", cell: ({ waiting }: Session) => String(waiting.bytes), align: "right" as const },
    { title: "LOST", cell: lostOf },
  ];
  print.list(sessions, columns, "There is no MQTT session, connected or kept.");
  const { items, total } = sessions;
  if (total > items.length) print.note(`These are ${items.length} of ${total}.`);
}

function filtersOf({ subscriptions: [first], subscriptionCount }: Session): string {
  if (first === undefined) return "";
  return subscriptionCount === 1 ? first.filter : `${first.filter} and ${subscriptionCount - 1} more`;
}

const lostOf = ({ dropped }: Session): string =>
  Object.entries(dropped)
    .filter(([, count]) => count > 0)
    .map(([why, count]) => `${why}=${count}`)
    .join(" ");
