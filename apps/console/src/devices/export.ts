import { routes } from "@holdfast/protocol";
import { apiFor } from "../api/index.ts";
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
  const rows: string[][] = [columns];
  let cursor: string | undefined;
  do {
    const page = await apiFor(org).call(routes.listDevices, { query: { ...filter, sort, cursor, limit: 1_000 } });
    for (const { id, name, state, presence, application, product, alias, tags, createdAt } of page.items) {
      const all = Object.entries(tags).map(([key, value]) => `${key}=${value}`);
      rows.push([
        id,
        name,
        state,
        presence.state,
        presence.lastSeenAt ?? "",
        application,
        product ?? "",
        alias ?? "",
        all.join(","),
        createdAt,
      ]);
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  save("devices.csv", "text/csv", formatCsv(rows));
}
