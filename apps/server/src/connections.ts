import type { Config } from "./config.ts";
import { Arrivals } from "./listeners/index.ts";
import type { Caller, Connections, Open } from "./authority/index.ts";
import type { Watchers } from "./listeners/index.ts";
import type { Messages } from "./messages/index.ts";

type Needs = {
  readonly broker: Pick<Messages["broker"], "connected">;
  readonly watchers: Pick<Watchers, "in">;
};

const shownBy = ({ credential, circumstances }: Caller) => ({ credential, circumstances });

/** All that stands open in an organisation, whatever it speaks. */
export const connectionsOf = ({ broker, watchers }: Needs): Connections => ({
  in: (space): readonly Open[] => [
    ...broker.connected(space).map(({ caller }) => ({ over: "mqtt" as const, ...shownBy(caller) })),
    ...[...watchers.in(space)].map(({ over, caller }) => ({ over, ...shownBy(caller) })),
  ],
});

type Arriving = Pick<ConstructorParameters<typeof Arrivals>[0], "clock" | "timers" | "report"> & {
  readonly config: Pick<Config, "proxyFrom" | "maximumConnectionsPerAddress" | "maximumConnectionRatePerAddress">;
};

/** Who may come at all, as the platform was started. */
export const arrivalsOf = ({ config, ...needs }: Arriving): Arrivals =>
  new Arrivals({
    ...needs,
    proxies: config.proxyFrom,
    openOfNetwork: config.maximumConnectionsPerAddress,
    perSecondOfNetwork: config.maximumConnectionRatePerAddress,
  });
