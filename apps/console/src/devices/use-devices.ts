import { routes } from "@holdfast/protocol";
import { apiFor, useList } from "../api/index.ts";
import type { Filter, Order } from "./filter.ts";

const refresh = 5_000; // milliseconds: devices come and go

/** The devices that a filter finds, in order, page after page. */
export const useDevices = (org: string, filter: Filter, sort: Order | undefined) =>
  useList(
    ["devices", org, filter, sort],
    (cursor, signal) =>
      apiFor(org).call(routes.listDevices, { query: { ...filter, sort, cursor, limit: 500 }, signal }),
    refresh,
  );
