import type { Reply } from "@holdfast/client";
import type { routes } from "@holdfast/protocol";

export type Task = Reply<typeof routes.listTasks>["items"][number];

/** Whether somebody may still do it. */
export function isOpen({ state }: Task): boolean {
  switch (state) {
    case "waiting":
    case "leased":
      return true;
    case "done":
    case "failed":
    case "expired":
    case "cancelled":
      return false;
  }
}
