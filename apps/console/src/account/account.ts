import { routes } from "@holdfast/protocol";
import { queryOptions } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";

/** What she has to show who she is. */
export const accountQuery = queryOptions({
  queryKey: ["account"],
  queryFn: ({ signal }) => apiFor().call(routes.readAccount, { signal }),
});
