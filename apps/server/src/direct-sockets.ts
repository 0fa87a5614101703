import type { Timers } from "@holdfast/kernel";
import type { Config } from "./config.ts";
import { networkOf, TcpListener, UdpListener, type Arrivals } from "./listeners/index.ts";
import { Relay, Sockets } from "./sockets/index.ts";
import { relayRoutes } from "./sockets/routes.ts";

type Needs = Omit<ConstructorParameters<typeof Sockets>[0], "networkOf"> & {
  readonly config: Pick<Config, "host" | "udpPort" | "tcpPort">;
  readonly arrivals: Arrivals;
  readonly timers: Timers;
};

/** Direct sockets, and the ports that were asked for. @throws Refusal `port.taken`, `config.malformed` */
export async function openSockets({ config, ...needs }: Needs) {
  const { host, udpPort, tcpPort } = config;
  await using opened = new AsyncDisposableStack();
  const sockets = opened.adopt(new Sockets({ ...needs, networkOf }), (it) => it.close());
  const common = { sockets, host, ...needs };
  const udp = udpPort === undefined ? undefined : await UdpListener.open({ ...common, port: udpPort });
  opened.defer(() => udp?.close());
  const tcp = tcpPort === undefined ? undefined : await TcpListener.open({ ...common, port: tcpPort });
  opened.defer(() => tcp?.close());
  const all = opened.move();
  return {
    sockets,
    handlers: relayRoutes(new Relay(common)),
    ports: { udp: udp?.port, tcp: tcp?.port },
    close: () => all.disposeAsync(),
  };
}
