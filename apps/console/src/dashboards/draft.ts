import type { Widget } from "@holdfast/protocol";

/** What is being changed: as it is now, as it was before each change, and what was undone. */
export type Draft = {
  readonly widgets: readonly Widget[];
  readonly past: readonly (readonly Widget[])[];
  readonly future: readonly (readonly Widget[])[];
};

const mostPast = 100;

export const draftOf = (widgets: readonly Widget[]): Draft => ({ widgets, past: [], future: [] });

export const changed = ({ widgets: before, past }: Draft, widgets: readonly Widget[]): Draft => ({
  widgets,
  past: [...past, before].slice(-mostPast),
  future: [],
});

/** While it is dragged: one step for the whole way. */
export const shifted = (draft: Draft, widgets: readonly Widget[]): Draft => ({ ...draft, widgets });

export function undone({ widgets, past, future }: Draft): Draft {
  const before = past.at(-1);
  return before
    ? { widgets: before, past: past.slice(0, -1), future: [widgets, ...future] }
    : { widgets, past, future };
}

export function redone({ widgets, past, future }: Draft): Draft {
  const [next, ...rest] = future;
  return next ? { widgets: next, past: [...past, widgets], future: rest } : { widgets, past, future };
}
