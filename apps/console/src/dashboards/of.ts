import type { Widget } from "@holdfast/protocol";
import { words } from "../words/index.ts";

export type Of<T extends Widget["type"]> = Widget & { readonly type: T };

export const titleOf = ({ title, type }: Pick<Widget, "title" | "type">): string =>
  title === "" ? words.dashboards.types[type] : title;
