/** A list that comes whole, as those that come in pages are shown. */
export const asList = <Item>({
  data,
  isPending,
  error,
  refetch,
}: {
  readonly data: { readonly items: readonly Item[]; readonly altered?: readonly string[] | undefined } | undefined;
  readonly isPending: boolean;
  readonly error: unknown;
  readonly refetch: () => Promise<unknown>;
}) => ({
  rows: data?.items ?? [],
  altered: data?.altered,
  total: data?.items.length,
  isPending,
  error,
  retry: () => void refetch(),
});
