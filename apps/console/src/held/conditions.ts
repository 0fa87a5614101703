import { formatHours, parseHours, type Conditions, type Hours, type Transport } from "@holdfast/protocol";
import { words } from "../words/index.ts";

const own = words.access;

/** Conditions as they are typed. */
export type AskedConditions = { from: string; hours: string; rate: string; transports: Transport[]; origins: string };

export const noConditions: AskedConditions = { from: "", hours: "", rate: "", transports: [], origins: "" };

const linesOf = (text: string): readonly string[] => text.split("\n").flatMap((line) => line.trim() || []);

/** What is wrong with them, or nothing. */
export const hoursFault = (text: string): string | null =>
  linesOf(text).every((line) => parseHours(line)) ? null : own.notHours;

/** As the platform takes them; `undefined` where nothing was typed. What names nothing it refuses itself, with a reason. */
export function conditionsOf({ from, hours, rate, transports, origins }: AskedConditions): Conditions | undefined {
  const at = linesOf(hours)
    .map(parseHours)
    .filter((one): one is Hours => one !== undefined);
  const conditions: Conditions = {
    ...(linesOf(from).length > 0 && { addresses: [...linesOf(from)] }),
    ...(at.length > 0 && { hours: at }),
    ...(rate !== "" && { rate: { perMinute: Number(rate) } }),
    ...(transports.length > 0 && { transports }),
    ...(linesOf(origins).length > 0 && { origins: [...linesOf(origins)] }),
  };
  return Object.keys(conditions).length > 0 ? conditions : undefined;
}

/** For whoever looks at a credential. */
export function conditionFacts({
  addresses,
  hours,
  rate,
  transports,
  origins,
}: Conditions): (readonly [string, string])[] {
  const facts: readonly (readonly [string, string | undefined])[] = [
    [own.from, addresses?.join(", ")],
    [own.hours, hours?.map(formatHours).join(", ")],
    [own.rate, rate && own.perMinute(rate.perMinute, rate.burst ?? rate.perMinute)],
    [own.over, transports?.map((one) => own.transports[one]).join(", ")],
    [own.fromPages, origins?.join(", ")],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}
