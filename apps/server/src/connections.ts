import type { Connections, Open } from "./authority/index.ts";
import type { Watchers } from "./listeners/index.ts";
import type { Messages } from "./messages/index.ts";

type Needs = {
  readonly broker: Pick<Messages["broker"], "connected">;
  readonly watchers: Pick<Watchers, "in">;
};

/** All that stands open in an organisation, whatever it speaks. */
export const connectionsOf = ({ broker, watchers }: Needs): Connections => ({
  in: (space): readonly Open[] => [
    ...broker.connected(space).map(({ caller: { credential } }) => ({ over: "mqtt" as const, credential })),
    ...[...watchers.in(space)].map(({ over, caller: { credential } }) => ({ over, credential })),
  ],
});
