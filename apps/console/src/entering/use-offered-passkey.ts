import type { ShownPasskey } from "@holdfast/protocol";
import { useEffect, useRef } from "react";
import { offersPasskeys, showPasskey } from "../session/index.ts";

/** The platform's question is good for five minutes. */
const askedAnew = 4 * 60_000;

type Take = (shown: ShownPasskey) => Promise<void>;

/** Offers her passkeys where her e-mail is typed, unless she is asked for one in another way: a browser takes one question at a time. */
export function useOfferedPasskey(take: Take, isAsked: boolean): void {
  const taking = useRef(take);
  useEffect(() => {
    taking.current = take;
  });
  useEffect(() => {
    if (isAsked) return undefined;
    const over = new AbortController();
    void offerUntil(over.signal, (shown) => taking.current(shown));
    return () => over.abort();
  }, [isAsked]);
}

async function offerUntil(over: AbortSignal, take: Take): Promise<void> {
  if (!(await offersPasskeys())) return;
  while (!over.aborted) {
    const signal = AbortSignal.any([over, AbortSignal.timeout(askedAnew)]);
    try {
      const shown = await showPasskey({ isOffered: true, signal });
      if (!over.aborted) await take(shown);
    } catch {
      // She asked for nothing: what does not work here is not offered, and said nowhere.
      if (!signal.aborted) return;
    }
  }
}
