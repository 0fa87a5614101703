import { Group } from "@mantine/core";
import { words } from "../words/index.ts";
import { Press } from "./press.tsx";
import { ProblemNotice } from "./problem-notice.tsx";

/** The foot of a form that changes what is there: what went wrong last, and a button that says what it waits for. */
export function SaveChanges({
  why,
  isDirty,
  change,
}: {
  /** Why this person may not. */
  readonly why: string | undefined;
  readonly isDirty: boolean;
  readonly change: { readonly error: Error | null; readonly isPending: boolean };
}) {
  return (
    <>
      {change.error && <ProblemNotice error={change.error} />}
      <Group>
        <Press type="submit" why={why ?? (isDirty ? undefined : words.common.unchanged)} loading={change.isPending}>
          {words.common.save}
        </Press>
      </Group>
    </>
  );
}
