import { useEffect, useRef, type PointerEvent } from "react";
import { zoomed, moved, type View } from "./view.ts";

/** By mouse or one finger it is moved, by two fingers zoomed. */
export function useDragging(change: (next: (view: View) => View) => void, degrees: number) {
  const fingers = useRef(new Map<number, { readonly x: number; readonly y: number }>());
  const apart = () => {
    const [a, b] = [...fingers.current.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : undefined;
  };
  return {
    onPointerDown: (event: PointerEvent<HTMLElement>) =>
      void fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY }),
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const before = fingers.current.get(event.pointerId);
      if (!before) return;
      // Who stays where she pressed clicks on what is there, and a hand is never quite still.
      if (!event.currentTarget.hasPointerCapture(event.pointerId)) {
        if (Math.hypot(before.x - event.clientX, before.y - event.clientY) < 4) return;
        event.currentTarget.setPointerCapture(event.pointerId);
      }
      const wide = apart();
      fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
      const now = apart();
      if (wide !== undefined && now !== undefined && now > 0) return change((view) => zoomed(view, wide / now));
      change((view) => moved(view, (before.x - event.clientX) * degrees, (before.y - event.clientY) * degrees));
    },
    onPointerUp: (event: PointerEvent<HTMLElement>) => void fingers.current.delete(event.pointerId),
    onPointerCancel: (event: PointerEvent<HTMLElement>) => void fingers.current.delete(event.pointerId),
  };
}

/** The page does not scroll meanwhile, which React's own handler of the wheel could not say. */
export function useWheel(
  frame: { readonly current: HTMLElement | null },
  zoom: (by: number, x: number, y: number) => void,
): void {
  const latest = useRef(zoom);
  latest.current = zoom;
  useEffect(() => {
    const element = frame.current;
    const turn = (event: WheelEvent) => {
      if (!element) return;
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const [x, y] = [event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2];
      latest.current(event.deltaY < 0 ? 0.8 : 1.25, x, y);
    };
    element?.addEventListener("wheel", turn, { passive: false });
    return () => element?.removeEventListener("wheel", turn);
  });
}
