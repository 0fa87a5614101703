import type { BesideTelemetry } from "./beside.ts";
import type { Handler } from "./authority/index.ts";
import { Groups } from "./groups/index.ts";
import { groupRoutes } from "./groups/routes.ts";
import type { Presences } from "./messages/index.ts";

type Needs = Omit<ConstructorParameters<typeof Groups>[0], "board"> & {
  readonly beside: Pick<BesideTelemetry, "board">;
  readonly presences: Pick<Presences, "onChange">;
};

/** Groups of devices, whose tasks pass on when one of them goes. */
export function togetherRoutes({ beside: { board }, presences, ...needs }: Needs): readonly Handler[] {
  presences.onChange((change) => board.heardOf(change));
  return groupRoutes(new Groups({ ...needs, board }));
}
