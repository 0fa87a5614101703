import type { Document } from "./document.ts";

/** The field of `reported` in which a device says on which ports it listens: `[22, 502]`, and `[]` for none. */
const field = "listeningPorts";

const isPort = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;

/** Whether it is that field, with what belongs into it. One that a product declares as something else says something else. */
export const isOfPorts = (name: string, value: unknown): boolean =>
  name === field && Array.isArray(value) && value.every(isPort);

/** Whether it says that it listens. */
export function listensBy(reported: Document): boolean {
  const value = reported[field];
  return isOfPorts(field, value) && Array.isArray(value) && value.length > 0;
}
