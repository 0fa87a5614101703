import { Refusal, type Fault, type Instant } from "@holdfast/kernel";
import { difference, merge, only, type Document } from "./document.ts";

/** `desired` is what is wanted of the device, `reported` what it says of itself; neither changes the other. */
export type Side = "desired" | "reported";

/** One side, how often it was changed, and when that was last. */
export type Half = { readonly document: Document; readonly version: number; readonly at: Instant | undefined };

export type Twin = { readonly [S in Side]: Half };

/** Who changed what, when. `version` is what the side became by it. */
export type Change = {
  readonly side: Side;
  readonly version: number;
  readonly at: Instant;
  readonly by: string;
  readonly patch: Document;
};

const mostBytes = 16_384;

const none: Half = { document: {}, version: 0, at: undefined };
export const newTwin: Twin = { desired: none, reported: none };

/** @throws Refusal `twin.unfit` where a field that the change touches is not what `misfit` lets it be, `twin.tooLarge` */
export function change(
  twin: Twin,
  side: Side,
  patch: Document,
  at: Instant,
  misfit: (name: string, value: unknown) => string | undefined,
): Twin {
  const { document, version } = twin[side];
  const merged = merge(document, patch);
  const faults: Fault[] = [];
  for (const name of Object.keys(patch)) {
    if (!Object.hasOwn(merged, name)) continue; // it is gone
    const message = misfit(name, merged[name]);
    if (message !== undefined) faults.push({ path: name.slice(0, 128), message });
  }
  if (faults.length > 0) throw new Refusal("twin.unfit", { faults: faults.slice(0, 16) });
  if (Buffer.byteLength(JSON.stringify(merged)) > mostBytes) throw new Refusal("twin.tooLarge");
  return { ...twin, [side]: { document: merged, version: version + 1, at } };
}

/** What the device has still to take over. */
export const differenceOf = ({ desired, reported }: Twin): Document => difference(desired.document, reported.document);

/** As much of it as somebody may see. */
export function shownOf(twin: Twin, isShown: ((name: string) => boolean) | undefined): Twin {
  if (!isShown) return twin;
  const half = (one: Half): Half => ({ ...one, document: only(one.document, isShown) });
  return { desired: half(twin.desired), reported: half(twin.reported) };
}

/** What goes out on `me/twin/desired`. */
export const messageOf = (twin: Twin): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ version: twin.desired.version, desired: differenceOf(twin) }));
