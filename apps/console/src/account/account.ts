import { routes } from "@holdfast/protocol";
import { queryOptions } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";

/** What signs her in by itself. */
export const passkeysQuery = queryOptions({
  queryKey: ["account", "passkeys"],
  queryFn: ({ signal }) => apiFor().call(routes.listAccountPasskeys, { signal }),
});

/** Whether what she shows beside her password is to go. */
export const factorResetQuery = queryOptions({
  queryKey: ["account", "factor-reset"],
  queryFn: ({ signal }) => apiFor().call(routes.readOwnFactorReset, { signal }),
});

/** What she has to show who she is. */
export const accountQuery = queryOptions({
  queryKey: ["account"],
  queryFn: ({ signal }) => apiFor().call(routes.readAccount, { signal }),
});
