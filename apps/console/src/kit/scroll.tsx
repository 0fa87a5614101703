import type { ReactNode } from "react";

/** What may be wider than its place: scrolled by mouse, finger and keys. */
export function Scroll({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <div className="hf-scroll" tabIndex={0} role="region" aria-label={label}>
      {children}
    </div>
  );
}
