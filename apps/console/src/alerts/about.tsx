import { DeviceName } from "../naming/index.ts";
import { words } from "../words/index.ts";
import type { Alert } from "./alert.ts";
import { useWebhooks } from "./asked.ts";

const own = words.alerts;

/** Which device, or how many; which webhook. */
export function About({ alert: { count, devices, outage, webhook } }: { readonly alert: Alert }) {
  const [only] = devices;
  if (webhook !== undefined) return <Webhook id={webhook} />;
  if (count === 1 && only) return <DeviceName id={only.device} />;
  return outage ? own.outage(count) : own.devices(count);
}

function Webhook({ id }: { readonly id: string }) {
  return useWebhooks().data?.items.find((one) => one.id === id)?.name ?? id;
}
