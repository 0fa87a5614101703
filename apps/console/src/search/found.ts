/** One thing that was found, and what choosing it does: it opens its page, or acts. */
export type Found = {
  /** Unique among all that is shown. */
  readonly id: string;
  readonly label: string;
  readonly detail?: string | undefined;
  /** Why it may not be chosen, when it may not. */
  readonly why?: string | undefined;
} & ({ readonly href: string } | { readonly act: () => unknown });

export type FoundGroup = { readonly name: string; readonly items: readonly Found[] };

/** All words of the text stand somewhere in these, whatever their case. */
export const matches = (text: string, ...inThese: readonly string[]): boolean => {
  const all = inThese.join("\n").toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
};

/** As it is typed above the list of devices: there a tag says that it is one. */
export const asFilter = (text: string): string => text.replaceAll(/(^|\s)(?!\w+:)([^\s"=]+=\S+)/g, "$1tag:$2");
