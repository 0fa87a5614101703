import { idFrom, isRefusal } from "@holdfast/kernel";
import type { Space } from "./space.ts";
import type { Spaces } from "./spaces.ts";

/** Work for each organisation of these rows, as `eachInTurn`. */
export const inTurn = (
  spaces: Pick<Spaces, "of">,
  rows: readonly { readonly org: string }[],
  work: (space: Space) => Promise<void>,
): Promise<void> => eachInTurn(rows, async ({ org }) => work(await spaces.of(idFrom("org", org))));

/** Work for what each organisation has. One that is erased is passed over; what fails for one is thrown once the others had their turn. */
export async function eachInTurn<T>(all: Iterable<T>, work: (one: T) => Promise<void>): Promise<void> {
  const failed: Error[] = [];
  for (const one of all) {
    try {
      await work(one);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (!isRefusal(error, "org.unknown")) failed.push(error);
    }
  }
  const [first] = failed;
  if (first) throw first;
}
