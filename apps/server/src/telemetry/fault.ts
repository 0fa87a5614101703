import { Refusal } from "@holdfast/kernel";

/** What went wrong by our own fault, for the log: its kind and where, and not its message, which may quote a payload. */
export function faultOf(fault: unknown): string {
  if (!(fault instanceof Error)) return typeof fault;
  const [, place = "?"] = /\(?(?:file:\/\/)?[^\s(]*\/([^/\s()]+:\d+):\d+\)?$/m.exec(fault.stack ?? "") ?? [];
  return `${fault.name} at ${place}`;
}

/** Why this is refused, if it is. */
export function refusalIn(work: () => void): Refusal | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
