import { ApiProblem, type LiveEvent } from "@holdfast/client";
import { parseId } from "@holdfast/kernel";
import { useEffect, useState } from "react";
import { apiFor } from "../api/index.ts";

/** An event with the moment at which it came here, and a number of its own. */
export type Heard = LiveEvent & { readonly number: number; readonly heardAt: number };
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
    // Many may come between two pictures; the page is drawn once for all of them.
    const flush = setInterval(() => {
      if (waiting.length === 0) return;
      const fresh = waiting;
      waiting = [];
      setLive((before) => ({ ...before, events: [...before.events, ...fresh].slice(-mostEvents) }));
    }, 100);
    const follow = async () => {
      for (let pause = 500; !signal.aborted; pause = Math.min(pause * 2, 10_000)) {
        try {
          const onOpen = () => {
            pause = 500;
            setLive((before) => ({ ...before, state: "live", error: undefined, begun: before.begun + 1 }));
          };
          for await (const event of apiFor(org).watch(
            { device: parseId("device", device), ...(strangers && { strangers: "true" as const }) },
            { signal, onOpen },
          )) {
            number += 1;
            waiting.push({ ...event, number, heardAt: Date.now() });
          }
          setLive((before) => ({ ...before, state: "away" }));
        } catch (error) {
          if (signal.aborted) return;
          const isRefused = error instanceof ApiProblem && error.status < 500;
          setLive((before) => ({ ...before, state: isRefused ? "refused" : "away", error }));
          if (isRefused) return;
        }
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    };
    void follow();
    return () => {
      ending.abort();
      clearInterval(flush);
    };
  }, [org, device, strangers]);
  return live;
}
