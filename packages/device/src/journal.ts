/**
 * Where a spool writes down what happens, so that it is there after a restart. Records are texts, read back in the order in which they were
 * appended. On Node `openJournal` of `@holdfast/device/node` keeps them in a sealed file; in a browser a program may bring its own.
 */
export interface Journal {
  /** Whether a record outlives the process. */
  readonly outlives: boolean;
  /** Bytes that it takes. */
  readonly size: number;
  /** What was there when it was opened. */
  read(): readonly string[];
  /** When it returns the end of this process loses the record no more. Throws where it cannot be kept; then nothing of it is. */
  append(record: string): void;
  /** When it resolves the loss of power loses nothing either that was appended before. */
  sync(): Promise<void>;
  /** These records and no others, at once or not at all. */
  rewrite(records: readonly string[]): void;
  close(): Promise<void>;
}

/** Keeps nothing: what waits is gone with the process. */
export const noJournal: Journal = {
  outlives: false,
  size: 0,
  read: () => [],
  append() {},
  sync: async () => {},
  rewrite() {},
  close: async () => {},
};
