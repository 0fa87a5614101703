import type { Reply } from "@holdfast/client";
import type { Demands, routes, TlsVersion } from "@holdfast/protocol";

export const parties = ["people", "programs", "devices"] as const;
export type Party = (typeof parties)[number];

/** What other demands would refuse. */
export type Refused = Reply<typeof routes.previewDemands>;

/** As it is typed. */
export type Asked = { bound: boolean; age: number | ""; tls: "" | TlsVersion };

/** These demands, with what is asked of one party in place of what it had. */
export function withAsked(demands: Demands, party: Party, { bound, age, tls }: Asked): Demands {
  const { [party]: _, ...others } = demands;
  const own = {
    ...(bound && { bound }),
    ...(age !== "" && { greatestAgeDays: age }),
    ...(tls !== "" && { leastTls: tls }),
  };
  return Object.keys(own).length === 0 ? others : { ...others, [party]: own };
}
