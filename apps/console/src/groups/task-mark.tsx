import type { TaskState } from "@holdfast/protocol";
import { words } from "../words/index.ts";

/** A shape and a colour for each state. */
const looks: Readonly<Record<TaskState, string>> = {
  waiting: "hf-state hf-ring hf-off",
  leased: "hf-state hf-bars hf-warn",
  done: "hf-state hf-disc hf-good",
  failed: "hf-state hf-cross hf-bad",
  expired: "hf-state hf-cross hf-off",
  cancelled: "hf-state hf-cross hf-off",
};

export const TaskMark = ({ state }: { readonly state: TaskState }) => (
  <span className={looks[state]}>{words.groups.tasks.states[state]}</span>
);
