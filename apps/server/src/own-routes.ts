import type { Clock, Timers } from "@holdfast/kernel";
import { aboutPlatform } from "./about.ts";
import type { Handler, Spaces } from "./authority/index.ts";
import { openapiOf, platformRoutes, Readiness } from "./listeners/index.ts";
import { metricsOf } from "./metrics.ts";
import { Roots } from "./roots/index.ts";
import { rootRoutes } from "./roots/routes.ts";
import type { Telemetry } from "./telemetry/index.ts";
import type { Storage } from "./storage/index.ts";
import { version } from "./version.ts";

type Facts = Parameters<typeof aboutPlatform>[0];

type Needs = Omit<Facts, "config" | "ports" | "certificates"> &
  Omit<Parameters<typeof metricsOf>[0], "https" | "telemetry"> & {
    readonly config: Facts["config"] & {
      readonly securityContact: string | undefined;
      readonly publicNames: readonly string[];
    };
    readonly certificates: Facts["certificates"];
    readonly spaces: Spaces;
    readonly telemetry: Telemetry;
    readonly storage: Storage;
    readonly clock: Clock;
    readonly timers: Timers;
    /** They open after their routes are known. */
    readonly listening: () => {
      readonly ports: Facts["ports"];
      readonly https: Parameters<typeof metricsOf>[0]["https"];
    };
    /** Every operation, these among them. */
    readonly handlers: () => readonly Handler[];
  };

/** What the platform says of itself: whether it is ready, what it trusts, its figures, its operations. */
export const ownRoutes = (needs: Needs): Handler[] => {
  const { config, certificates, telemetry, storage, clock, timers, listening, handlers } = needs;
  const own = platformRoutes({
    certificates,
    readiness: new Readiness({
      unready: () => telemetry.unready(),
      probe: () => storage.maintain.call("log_orgs", []),
      timers,
    }),
    about: (org, reader) => aboutPlatform({ ...needs, ports: listening().ports }, org, reader),
    metrics: () => metricsOf({ ...needs, https: listening().https }),
    openapi: () => openapiOf(handlers(), version),
    now: () => clock.now(),
    contact: config.securityContact ?? `mailto:security@${config.publicNames[0] ?? "localhost"}`,
  });
  return [...own, ...rootRoutes({ roots: new Roots(needs) })];
};
