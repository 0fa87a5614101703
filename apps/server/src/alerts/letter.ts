import { rfc3339, type Instant } from "@holdfast/kernel";
import type { Post } from "../identity/index.ts";
import type { Alert, Concerned } from "./rule.ts";

type Told = {
  readonly alert: Alert;
  readonly devices: readonly Concerned[];
  /** What it is called, unless somebody has deleted it. */
  readonly rule: string | undefined;
  readonly event: "raised" | "cleared";
  readonly at: Instant;
  readonly link: string;
};

const mostListed = 20;

const states: Readonly<Record<Alert["cause"], string>> = {
  offline: "offline",
  silent: "silent",
  notReceiving: "not receiving",
  flapping: "coming and going",
  webhook: "disabled",
};

/** Ids alone: what devices are called stays where only those read it who may. */
export function alertLetter(to: string, { alert, devices, rule, event, at, link }: Told): Parameters<Post["send"]>[0] {
  const what = alert.count === 1 ? "A device" : `${alert.count} devices`;
  const is = alert.count === 1 ? "is" : "are";
  const named = rule ?? "Deleted rule";
  const by = rule === undefined ? "a rule that was deleted since" : `the rule “${rule}”`;
  const subject =
    event === "raised"
      ? `${named}: ${what.toLowerCase()} ${is} ${states[alert.cause]}`
      : `${named}: over (${what.toLowerCase()})`;
  const when = `${rfc3339(at).slice(0, 19).replace("T", " ")} UTC`;
  const first =
    event === "raised"
      ? `${what} ${is} ${states[alert.cause]}: told at ${when} by ${by}.`
      : `What ${by} told of ${what.toLowerCase()} is over since ${when}.`;
  const listed = devices.slice(0, mostListed).map(({ device, since }) => `${device} since ${rfc3339(since)}`);
  const more = alert.count - listed.length;
  return {
    kind: "alert",
    to,
    subject,
    lines: [
      first,
      ...(alert.outage ? ["They went together, so this is told once for all of them."] : []),
      ...(alert.because === undefined ? [] : [`Why: ${alert.because}.`]),
      ...listed,
      ...(more > 0 ? [`and ${more} more`] : []),
    ],
    link,
  };
}
