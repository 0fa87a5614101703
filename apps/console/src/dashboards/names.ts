import { queryClient } from "../api/index.ts";
import { useAsking } from "./page.tsx";
import type { Pictured } from "./data.ts";

/** What devices are called that a board has shown; of others, that are not there, the identifier is all there is. */
export function useBoardNames(): (id: string) => string {
  const { key } = useAsking();
  type Picture = { readonly devices: readonly Pictured[] };
  const pictures = queryClient.getQueriesData<Picture>({ queryKey: ["dashboard-devices", key] });
  const names = new Map(
    pictures.flatMap(([, picture]) => picture?.devices.map(({ id, name }) => [id, name] as const) ?? []),
  );
  return (id) => names.get(id as never) ?? id;
}
