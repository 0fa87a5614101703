import type { Reply } from "@holdfast/client";
import { isId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { parseFilter } from "../devices/index.ts";
import { pathTo } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { kindWord, words } from "../words/index.ts";
import { asFilter, matches, type Found, type FoundGroup } from "./found.ts";

const own = words.search;
const most = 8; // of each kind: more is for the list
const pause = 150; // milliseconds without a key before the platform is asked
const fresh = { staleTime: 60_000 };

type Credential = Reply<typeof routes.listCredentials>["items"][number];
/** Those that somebody named; a device's keys are found by their id, or with the device. */
const named = ["apiToken", "operator", "accessKey"] as const;

/** What the platform knows of this text: devices as their list finds them, products and credentials by name or id. */
export function useFound(typed: string) {
  const org = useOrg();
  const can = useCan();
  const api = apiFor(org.id);
  const [text] = useDebouncedValue(typed, pause);
  const isAsked = text !== "";
  const devices = useQuery({
    queryKey: ["search-devices", org.id, text],
    queryFn: ({ signal }) =>
      api.call(routes.listDevices, { query: { ...parseFilter(asFilter(text)), limit: most }, signal }),
    enabled: isAsked && can("device.read"),
  });
  const products = useQuery({
    queryKey: ["products-all", org.id],
    queryFn: ({ signal }) => api.call(routes.listProducts, { query: { limit: 1_000 }, signal }),
    enabled: isAsked && can("product.read"),
    ...fresh,
  });
  const credentials = useQuery({
    queryKey: ["search-credentials", org.id],
    queryFn: async ({ signal }) => {
      const pages = named.map((kind) => api.call(routes.listCredentials, { query: { kind, limit: 1_000 }, signal }));
      return (await Promise.all(pages)).flatMap(({ items }) => items);
    },
    enabled: isAsked && can("credential.read"),
    ...fresh,
  });
  const byId = useQuery({
    queryKey: ["credential", org.id, text],
    queryFn: ({ signal }) => api.call(routes.readCredential, { params: { credential: text }, signal }),
    enabled: (["key", "token", "session"] as const).some((kind) => isId(kind, text)) && can("credential.read"),
  });
  const all = [devices, products, credentials, byId];

  const device = ({ id, name, alias, tags }: Reply<typeof routes.listDevices>["items"][number]): Found => ({
    id,
    label: name,
    detail: [alias ?? "", ...Object.entries(tags).map((pair) => pair.join("="))].filter(Boolean).join(" "),
    href: pathTo("device", { org: org.id, device: id }),
  });
  const credential = ({ id, name, kind }: Credential): Found => ({
    id,
    label: name === "" ? id : name,
    detail: kindWord(kind),
    href: pathTo("credential", { org: org.id, credential: id }),
  });
  const total = devices.data?.total ?? 0;
  const allDevices: Found = {
    id: "all-devices",
    label: own.all(total),
    href: `${pathTo("devices", { org: org.id })}?${new URLSearchParams({ q: asFilter(text) })}`,
  };
  const groups: readonly FoundGroup[] = [
    {
      name: words.places.devices,
      items: [...(devices.data?.items.map(device) ?? []), ...(total > most ? [allDevices] : [])],
    },
    {
      name: words.places.products,
      items: (products.data?.items ?? [])
        .filter(({ id, name }) => matches(text, name, id))
        .slice(0, most)
        .map(({ id, name }) => ({ id, label: name, href: pathTo("product", { org: org.id, product: id }) })),
    },
    {
      name: own.credentials,
      items: [
        ...(credentials.data ?? []).filter(({ id, name }) => id !== text && matches(text, name, id)).slice(0, most),
        ...(byId.data ? [byId.data] : []),
      ].map(credential),
    },
  ];
  return {
    /** Nothing as long as the answer would be to what was typed before. */
    groups: isAsked && text === typed ? groups : [],
    isBusy: text !== typed || all.some(({ isLoading }) => isLoading),
    errors: isAsked ? all.flatMap(({ error, refetch }) => (error ? [{ error, retry: () => void refetch() }] : [])) : [],
  };
}
