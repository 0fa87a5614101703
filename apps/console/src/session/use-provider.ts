import { routes } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";

/** Sends her browser to the provider of an organisation: she leaves this page, and comes back. */
export function useProvider() {
  return useAct(async (asked: { org?: string; invitation?: string; to?: string; isFresh?: boolean }) => {
    const { location } = await apiFor().call(routes.beginProviderSignIn, { body: asked });
    window.location.assign(location);
    await new Promise(() => {}); // she is leaving
  });
}
