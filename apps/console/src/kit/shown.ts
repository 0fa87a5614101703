import { useSearch } from "@tanstack/react-router";

/** What a page keeps in its address, so that a link shows what its sender saw. */
export type Shown = {
  readonly q?: string;
  readonly sort?: string;
  readonly range?: string;
  /** Names, with commas between. */
  readonly attributes?: string;
  readonly by?: string;
  readonly measure?: string;
  readonly open?: string;
  readonly view?: string;
};

/** Reads it from an address, where anything may stand. */
export const parseShown = (given: Readonly<Record<string, unknown>>): Shown =>
  Object.fromEntries(
    (["q", "sort", "range", "attributes", "by", "measure", "open", "view"] as const).flatMap((name) => {
      const value = given[name];
      return typeof value === "string" && value !== "" ? [[name, value]] : [];
    }),
  );

export const useShown = (): Shown => useSearch({ strict: false });
