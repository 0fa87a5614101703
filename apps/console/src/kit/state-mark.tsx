import { words } from "../words/index.ts";

export type Mark = keyof typeof words.state;

/** A shape and a colour for each state, which console.css draws; never the colour alone. */
const looks: Readonly<Record<Mark, string>> = {
  active: "hf-state hf-disc hf-good",
  online: "hf-state hf-disc hf-good",
  offline: "hf-state hf-ring hf-off",
  silent: "hf-state hf-ring hf-warn",
  notReceiving: "hf-state hf-ring hf-warn",
  flapping: "hf-state hf-bars hf-warn",
  pending: "hf-state hf-ring hf-warn",
  suspended: "hf-state hf-bars hf-warn",
  retired: "hf-state hf-cross hf-off",
  revoked: "hf-state hf-cross hf-bad",
  expired: "hf-state hf-cross hf-off",
  unconfirmed: "hf-state hf-ring hf-warn",
  ending: "hf-state hf-cross hf-warn",
  raised: "hf-state hf-disc hf-bad",
  acknowledged: "hf-state hf-bars hf-warn",
  cleared: "hf-state hf-ring hf-good",
  failing: "hf-state hf-ring hf-warn",
  disabled: "hf-state hf-cross hf-bad",
};

export const StateMark = ({ state }: { readonly state: Mark }) => (
  <span className={looks[state]}>{words.state[state]}</span>
);
