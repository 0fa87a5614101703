import { routes } from "@holdfast/protocol";
import { apiFor, everyPage } from "../api/index.ts";
import { save } from "../kit/index.ts";
import { formatCsv } from "./csv.ts";
import type { Filter, Order } from "./filter.ts";

const columns = [
  "id",
  "name",
  "state",
  "presence",
  "lastSeenAt",
  "application",
  "product",
  "alias",
  "tags",
  "createdAt",
];

/** Every device that the filter finds, as a file for a spreadsheet. */
export async function exportDevices(org: string, filter: Filter, sort: Order | undefined): Promise<void> {
  const devices = await everyPage((cursor) =>
    apiFor(org).call(routes.listDevices, { query: { ...filter, sort, cursor, limit: 1_000 } }),
  );
  const rows = devices.map(({ id, name, state, presence, application, product, alias, tags, createdAt }) => [
    id,
    name,
    state,
    presence.state,
    presence.lastSeenAt ?? "",
    application,
    product ?? "",
    alias ?? "",
    Object.entries(tags)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
    createdAt,
  ]);
  save("devices.csv", "text/csv", formatCsv([columns, ...rows]));
}
