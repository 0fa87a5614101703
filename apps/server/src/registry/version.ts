import { Refusal } from "@holdfast/kernel";

/** The versions that a change may start from; `undefined` is any. */
export type Versions = readonly number[] | undefined;

/** Asked with the row locked, so that of two who start from the same version one is told. @throws Refusal `request.conflict` */
export function refuseIfChanged({ version }: { readonly version: number }, versions: Versions): void {
  if (versions && !versions.includes(version)) throw new Refusal("request.conflict");
}
