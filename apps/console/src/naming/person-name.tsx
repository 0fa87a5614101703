import { useMembers } from "./use-members.ts";

/** A member by her address, where whoever looks may know it; anybody and anything else by the id. */
export function PersonName({ id }: { readonly id: string }) {
  const email = useMembers().members.find(({ person }) => person === id)?.email;
  return <span title={id}>{email ?? id}</span>;
}
