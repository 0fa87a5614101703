import type { Decoding } from "./decoding.ts";
import { linesAs, type LineFormat } from "./point-lines.ts";
import type { Questions, Readable } from "./questions.ts";

type Needs = { readonly questions: Questions; readonly decoding: Decoding };
type Asked = {
  readonly from: number;
  readonly to: number;
  readonly format: LineFormat;
  /** Written by a thread, so that those who send readings do not wait for it. */
  readonly isMuch: boolean;
};

/** Series as lines of text, a part after the other; one is written while the one before is taken. */
export async function* exportedLines(
  { questions, decoding }: Needs,
  all: readonly Readable[],
  { format, isMuch, ...range }: Asked,
): AsyncGenerator<Uint8Array> {
  const lines = linesAs[format];
  yield lines.head;
  let ahead: Promise<Uint8Array> | undefined;
  for (const one of all) {
    const { on: device } = one.permit;
    const attribute = one.series.name;
    for await (const points of questions.points(one, range)) {
      if (!isMuch) {
        yield lines.of(device, attribute, points);
        continue;
      }
      const next = decoding.lines({ format, device, attribute, points });
      next.catch(() => undefined); // it is awaited below, unless nobody takes any more
      if (ahead) yield await ahead;
      ahead = next;
    }
  }
  if (ahead) yield await ahead;
}
