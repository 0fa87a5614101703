import type { Widget } from "@holdfast/protocol";
import { useEffect, useRef, useState } from "react";
import { WidgetBody } from "./widget.tsx";

/** The part of a widget that scrolls where it holds more than has room, and then by keys, too. */
export function Body({ widget }: { readonly widget: Widget }) {
  const ref = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const look = () =>
      setScrolls(element.scrollHeight > element.clientHeight || element.scrollWidth > element.clientWidth);
    const sizes = new ResizeObserver(look);
    const contents = new MutationObserver(look);
    sizes.observe(element);
    contents.observe(element, { childList: true, subtree: true, characterData: true });
    look();
    return () => {
      sizes.disconnect();
      contents.disconnect();
    };
  }, []);
  return (
    <div ref={ref} className="hf-widget-body" {...(scrolls && { tabIndex: 0 })}>
      <WidgetBody widget={widget} />
    </div>
  );
}
