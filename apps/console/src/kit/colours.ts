/** Ten shades each, light to dark. */
export const palette = {
  slate: ["#f8fafb", "#eff2f5", "#e2e7ec", "#cdd5dd", "#aab5c1", "#7e8b99", "#5c6875", "#475260", "#323b47", "#1f2630"],
  night: ["#e6eaef", "#c3ccd6", "#a3afbc", "#8391a1", "#4f5c6b", "#3a4552", "#2a333e", "#1d242d", "#161c24", "#10151b"],
  teal: ["#e6f5f4", "#c9e9e7", "#9ad6d2", "#66c0bb", "#3aa9a3", "#1f918b", "#147b76", "#0f6a66", "#0d5f5b", "#094845"],
  red: ["#fdeceb", "#f9d3d0", "#f2a8a3", "#ea7b74", "#e2564d", "#d33d33", "#bf2f26", "#a8271f", "#92211a", "#6f1813"],
  amber: ["#fff5e0", "#ffe8b8", "#fbd27c", "#f3b941", "#e09f17", "#bf840a", "#9b6a06", "#805604", "#694603", "#4d3302"],
  green: ["#e8f6ec", "#cdebd6", "#a0d8b0", "#70c287", "#4aac66", "#33934f", "#257b3f", "#1e6734", "#19562b", "#12401f"],
  blue: ["#e8f1fb", "#cde1f6", "#9fc5ee", "#6ea7e4", "#478cd9", "#2d73c4", "#225fa7", "#1c4f8b", "#174274", "#103054"],
} as const;

/** What things look like, by what they mean. */
export type Scheme = {
  readonly page: string;
  readonly raised: string;
  readonly hover: string;
  readonly line: string;
  /** The edge of something that can be filled in or pressed. */
  readonly edge: string;
  readonly text: string;
  readonly dim: string;
  readonly accent: string;
  readonly good: string;
  readonly warn: string;
  readonly bad: string;
  readonly off: string;
};

export const scheme: { readonly light: Scheme; readonly dark: Scheme } = {
  light: {
    page: "#f8fafb",
    raised: "#ffffff",
    hover: "#eff2f5",
    line: "#e2e7ec",
    edge: "#7e8b99",
    text: "#1f2630",
    dim: "#566270",
    accent: "#0d5f5b",
    good: "#1e6734",
    warn: "#805604",
    bad: "#a8271f",
    off: "#566270",
  },
  dark: {
    page: "#10151b",
    raised: "#161c24",
    hover: "#1d242d",
    line: "#2a333e",
    edge: "#6b7989",
    text: "#e6eaef",
    dim: "#a3afbc",
    accent: "#66c0bb",
    good: "#70c287",
    warn: "#f3b941",
    bad: "#f2938c",
    off: "#a3afbc",
  },
};

/** Lines of a chart, in order; each is told from its neighbours also by its dashes. */
export const lines = {
  light: ["#0d5f5b", "#9b4a06", "#4b3fa8", "#92211a", "#1c4f8b", "#5a5f0a"],
  dark: ["#66c0bb", "#f3b941", "#b3a8f5", "#f2938c", "#8fbdf0", "#cdd36a"],
} as const;
