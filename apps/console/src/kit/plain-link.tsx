import { useRouter } from "@tanstack/react-router";
import type { MouseEvent, ReactNode } from "react";

/** A link for long lists: the router's own looks up and watches more than a hundred rows a frame leave time for. */
export function PlainLink({ href, children }: { readonly href: string; readonly children: ReactNode }) {
  const router = useRouter();
  const follow = (event: MouseEvent) => {
    // Whatever asks for a new tab or a download is the browser's.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void router.navigate({ href });
  };
  return (
    <a href={href} onClick={follow}>
      {children}
    </a>
  );
}
