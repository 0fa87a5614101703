import type { LiveEvent } from "@holdfast/client";
import { parseId } from "@holdfast/kernel";
import { useEffect, useState } from "react";
import { apiFor } from "../api/index.ts";
import { follow } from "./follow.ts";

/** An event with the moment at which it came here, and a number of its own. */
export type Heard = (LiveEvent | Gap) & { readonly number: number; readonly heardAt: number };
/** The stream was away: what came meanwhile is stored or audited, but nobody here saw it. Times as the API writes them. */
type Gap = { readonly type: "gap"; readonly data: { readonly from: string; readonly to: string } };
type Live = {
  readonly events: readonly Heard[];
  readonly state: "connecting" | "live" | "away" | "refused";
  readonly error: unknown;
  /** How often the stream has begun: what came between two is known to nobody here. */
  readonly begun: number;
};

/** How many are kept: what scrolls by is not an archive. */
const mostEvents = 2_000;

/** What happens with a device, as it happens; connects again when the connection is lost, and says that it was. */
export function useLive(org: string, device: string, { strangers = false } = {}): Live {
  const [live, setLive] = useState<Live>({ events: [], state: "connecting", error: undefined, begun: 0 });
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    let number = 0;
    let waiting: Heard[] = [];
    let lostAt: number | undefined;
    const hear = (event: LiveEvent | Gap) => {
      number += 1;
      waiting.push({ ...event, number, heardAt: Date.now() });
    };
    const away = (error: unknown) => {
      lostAt ??= Date.now();
      setLive((before) => ({ ...before, state: "away", error }));
    };
    // Many may come between two pictures; the page is drawn once for all of them.
    const flush = setInterval(() => {
      if (waiting.length === 0) return;
      const fresh = waiting;
      waiting = [];
      setLive((before) => ({ ...before, events: [...before.events, ...fresh].slice(-mostEvents) }));
    }, 100);
    const onOpen = () => {
      if (lostAt !== undefined) {
        const [from, to] = [lostAt, Date.now()].map((time) => new Date(time).toISOString());
        hear({ type: "gap", data: { from: from ?? "", to: to ?? "" } });
      }
      lostAt = undefined;
      setLive((before) => ({ ...before, state: "live", error: undefined, begun: before.begun + 1 }));
    };
    const query = { device: parseId("device", device), ...(strangers && { strangers: "true" as const }) };
    const refused = (error: unknown) => setLive((before) => ({ ...before, state: "refused", error }));
    void follow(apiFor(org), query, { signal, onOpen, hear, away, refused });
    return () => {
      ending.abort();
      clearInterval(flush);
    };
  }, [org, device, strangers]);
  return live;
}
