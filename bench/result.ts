/** What a benchmark found. The first key of a row is its heading; numbers are aligned and may say their unit in the key. */
export type Result = {
  readonly name: string;
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  /** How it was measured, and which peers were not found on this machine. */
  readonly notes: readonly string[];
};

/** What each file listed in `main.ts` exports. Throws when it could not measure; an absent peer is a note. */
export type Benchmark = { run(): Promise<Result> };
