import type { Id } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";
import type { Beside } from "./beside.ts";
import type { SessionContext } from "./session.ts";

/** A device listens from now on, to these filters or to all that it had: it hears what is owed to it, and as a gateway what is owed to its children. */
export function arrived(
  beside: Pick<Beside, "arrived">,
  space: Space,
  device: Id<"device">,
  filters: readonly string[] | undefined,
): void {
  beside.arrived(space, device, filters);
  const about = filters && aboutEach(filters);
  for (const child of space.children.of(device)) {
    const itsOwn = about?.(child);
    if (itsOwn?.length !== 0) beside.arrived(space, child, itsOwn);
  }
}

/**
 * Of whom the session was to hear and might not, and now may: what is owed to them is given, as nobody says that a door is open again. Who is no child of
 * its any more is forgotten; as one that is bound again it has a name that it had not (`renamed`).
 */
export function unbarred(
  { caller, barred }: Pick<SessionContext, "caller" | "barred">,
  beside: Pick<Beside, "arrived">,
): void {
  const { space } = caller;
  const own = caller.credential.device;
  const free: Id<"device">[] = [];
  for (const one of barred) {
    const isIts = one === own || space.device(one)?.gateway === own;
    if (isIts && !caller.mayDevice("telemetry.write", one)) continue;
    barred.delete(one);
    if (isIts) free.push(one);
  }
  if (free.length === 0) return;
  // The session takes its new gate first.
  queueMicrotask(() => {
    for (const one of free) beside.arrived(space, one, undefined);
  });
}

/** Which of them may be about a device, which stands at the second level of every topic of its own. A gateway names thousands at once: not each of them is looked at for each child. */
function aboutEach(filters: readonly string[]): (device: Id<"device">) => readonly string[] {
  const ofAll: string[] = [];
  const ofOne = new Map<string, string[]>();
  for (const filter of filters) {
    const [, second = "#"] = filter.split("/", 2);
    const list = second === "+" || second === "#" ? ofAll : (ofOne.get(second) ?? []);
    list.push(filter);
    if (list !== ofAll) ofOne.set(second, list);
  }
  return (device) => [...ofAll, ...(ofOne.get(device) ?? [])];
}
