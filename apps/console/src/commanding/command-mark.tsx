import type { CommandState } from "@holdfast/protocol";
import { words } from "../words/index.ts";

/** A shape and a colour for each state. */
const looks: Readonly<Record<CommandState, string>> = {
  proposed: "hf-state hf-bars hf-warn",
  waiting: "hf-state hf-ring hf-off",
  sent: "hf-state hf-ring hf-warn",
  acknowledged: "hf-state hf-ring hf-good",
  answered: "hf-state hf-disc hf-good",
  failed: "hf-state hf-cross hf-bad",
  expired: "hf-state hf-cross hf-off",
  cancelled: "hf-state hf-cross hf-off",
};

export const CommandMark = ({ state }: { readonly state: CommandState }) => (
  <span className={looks[state]}>{words.commands.states[state]}</span>
);
