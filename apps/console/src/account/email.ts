import { routes } from "@holdfast/protocol";
import { queryOptions } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";

/** Her address, whether she proved it, and how links reach people here. */
export const emailQuery = queryOptions({
  queryKey: ["account", "email"],
  queryFn: ({ signal }) => apiFor().call(routes.readEmail, { signal }),
});
