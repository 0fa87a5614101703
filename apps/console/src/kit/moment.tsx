import { createContext, useContext, useEffect, useState, useSyncExternalStore, type ReactNode } from "react";
import { ago, exact } from "./time.ts";

type Zone = "local" | "utc";
const TimeZone = createContext<{ zone: Zone; toggle: () => void }>({ zone: "local", toggle: () => undefined });

/** Local time or UTC, for every time on the page. The key `u` changes it. */
export function TimeZoneProvider({ children }: { readonly children: ReactNode }) {
  const [zone, setZone] = useState<Zone>("local");
  const toggle = () => setZone((before) => (before === "local" ? "utc" : "local"));
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const isTyping =
        event.target instanceof HTMLElement && event.target.matches("input, textarea, select, [contenteditable]");
      if (event.key === "u" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) toggle();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, []);
  return <TimeZone value={{ zone, toggle }}>{children}</TimeZone>;
}

export const useTimeZone = () => useContext(TimeZone);

// One clock for all that is on the page: a list has a hundred distances.
let shownAt = Date.now();
const watchers = new Set<() => void>();
setInterval(() => {
  shownAt = Date.now();
  for (const watcher of watchers) watcher();
}, 10_000);
function watchClock(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Whether that is still to come. */
export const isAhead = (at: string): boolean => Date.parse(at) > shownAt;

/** A time as a distance from now, with the exact one on hover; `exactly` shows that one. */
export function Moment({ at, exactly = false }: { readonly at: string; readonly exactly?: boolean }) {
  const { zone } = useContext(TimeZone);
  const now = useSyncExternalStore(watchClock, () => shownAt);
  const time = exact(Date.parse(at), zone);
  return (
    <time dateTime={at} title={time}>
      {exactly ? time : ago(Date.parse(at), now)}
    </time>
  );
}
