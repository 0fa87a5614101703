import type { Core } from "./core.ts";
import type { SpaceKey } from "./policy.ts";
import type { Publication } from "./publication.ts";
import { Slices } from "./slices.ts";

/** See `Broker.discard`. */
export async function discard(
  core: Core,
  key: SpaceKey,
  isGone: (publication: Publication) => boolean,
): Promise<number> {
  const space = core.knownSpace(key);
  if (!space) return 0;
  const slices = new Slices();
  let count = 0;
  for (const session of space.sessions()) {
    await slices.spend(session.outgoing.waitingBytes);
    count += session.outgoing.discard(isGone);
  }
  const { retained } = space;
  for (const publication of retained.all()) {
    await slices.spend();
    if (!isGone(publication) || !retained.has(publication)) continue;
    retained.forget(publication);
    core.statistics.discarded++;
    count++;
  }
  return count;
}
