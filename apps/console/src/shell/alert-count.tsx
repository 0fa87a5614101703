import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const every = 15_000; // milliseconds
const most = 9; // it is said how many up to here

/** How many alerts nobody sees to; nothing where there is none. */
export function AlertCount() {
  const org = useOrg();
  const { data } = useQuery({
    queryKey: ["alerts", org.id, "raised", "count"],
    queryFn: ({ signal }) =>
      apiFor(org.id).call(routes.listAlerts, { query: { state: "raised", limit: most + 1 }, signal }),
    refetchInterval: every,
    enabled: useCan()("alert.read"),
  });
  const count = (data?.items.length ?? 0) + (data?.altered?.length ?? 0);
  if (count === 0) return null;
  const text = count > most ? `${most}+` : String(count);
  return (
    <span className="hf-badge" title={words.shell.raised(text)}>
      <span aria-hidden="true">{text}</span>
      <span className="hf-visually-hidden">{words.shell.raised(text)}</span>
    </span>
  );
}
