import type { Reply } from "@holdfast/client";
import type { Demands, routes, TlsVersion } from "@holdfast/protocol";

export const parties = ["people", "programs", "devices"] as const;
export type Party = (typeof parties)[number];

/** What other demands would refuse. */
export type Refused = Reply<typeof routes.previewDemands>;

/** As it is typed. */
export type Asked = {
  bound: boolean;
  age: number | "";
  tls: "" | TlsVersion;
  /** Of devices. */
  transport: "" | NonNullable<NonNullable<Demands["devices"]>["leastTransport"]>;
  factor: "" | "second" | "passkey";
  /** A day, as a browser writes it; it begins when it does where one sits. */
  from: string;
};

/** The day on which that is, here. */
export const dayOf = (time: string | undefined): string => {
  if (time === undefined) return "";
  const at = new Date(time);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
};

/** These demands, with what is asked of one party in place of what it had. */
export function withAsked(
  demands: Demands,
  party: Party,
  { bound, age, tls, transport, factor, from }: Asked,
): Demands {
  const { [party]: _, ...others } = demands;
  const provider = party === "people" ? demands.people?.provider : undefined;
  const own = {
    ...(provider && { provider }), // demanded where the providers are
    ...(bound && { bound }),
    ...(age !== "" && { greatestAgeDays: age }),
    ...(tls !== "" && { leastTls: tls }),
    ...(party === "devices" && transport !== "" && { leastTransport: transport }),
    ...(factor !== "" && { factor }),
    ...(factor !== "" && from !== "" && { factorFrom: new Date(`${from}T00:00`).toISOString() }),
  };
  return Object.keys(own).length === 0 ? others : { ...others, [party]: own };
}
