import { words } from "../words/index.ts";

export type Mark = keyof typeof words.state;

/** A shape and a colour for each state; never the colour alone. */
const looks: Readonly<Record<Mark, { readonly shape: "disc" | "ring" | "bars" | "cross"; readonly colour: string }>> = {
  active: { shape: "disc", colour: "var(--hf-good)" },
  online: { shape: "disc", colour: "var(--hf-good)" },
  offline: { shape: "ring", colour: "var(--hf-off)" },
  suspended: { shape: "bars", colour: "var(--hf-warn)" },
  retired: { shape: "cross", colour: "var(--hf-off)" },
  revoked: { shape: "cross", colour: "var(--hf-bad)" },
  expired: { shape: "cross", colour: "var(--hf-off)" },
};

const shapes = {
  disc: <circle cx="5" cy="5" r="4" fill="currentColor" />,
  ring: <circle cx="5" cy="5" r="3.25" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  bars: <path d="M3 1v8M7 1v8" stroke="currentColor" strokeWidth="2" />,
  cross: <path d="M1.5 1.5l7 7M8.5 1.5l-7 7" stroke="currentColor" strokeWidth="1.75" />,
};

export function StateMark({ state }: { readonly state: Mark }) {
  const { shape, colour } = looks[state];
  return (
    <span className="hf-state" style={{ color: colour }}>
      <svg width="10" height="10" aria-hidden="true">
        {shapes[shape]}
      </svg>
      <span>{words.state[state]}</span>
    </span>
  );
}
