import { useLayoutEffect, useState } from "react";
import { flushSync } from "react-dom";

export const rowHeight = 36; // pixels, as console.css says
const beyond = 4; // rows drawn beyond each edge, so that a small step shows no gap

type Range = { readonly first: number; readonly end: number };

/** Which rows are to be drawn, of as many as you like: those that `scroll` shows, below a head as high as a row. */
export function useInSight(scroll: HTMLElement | null, count: number): Range {
  const [range, setRange] = useState<Range>({ first: 0, end: 0 });
  useLayoutEffect(() => {
    if (!scroll) return undefined;
    const look = () => {
      const { scrollTop, clientHeight } = scroll;
      const first = Math.max(0, Math.floor(scrollTop / rowHeight) - beyond);
      const end = Math.ceil((scrollTop + clientHeight) / rowHeight) - 1 + beyond;
      setRange((before) => (before.first === first && before.end === end ? before : { first, end }));
    };
    look();
    // In the same picture as the browser scrolls: later would show a gap first.
    const scrolled = () => flushSync(look);
    scroll.addEventListener("scroll", scrolled, { passive: true });
    const resized = new ResizeObserver(look);
    resized.observe(scroll);
    return () => {
      scroll.removeEventListener("scroll", scrolled);
      resized.disconnect();
    };
  }, [scroll]);
  const end = Math.min(range.end, count);
  return { first: Math.min(range.first, end), end };
}
