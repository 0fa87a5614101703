import type { Widget } from "@holdfast/protocol";
import { dashboardWords } from "../words/index.ts";

export type Of<T extends Widget["type"]> = Widget & { readonly type: T };

export const titleOf = ({ title, type }: Pick<Widget, "title" | "type">): string =>
  title === "" ? dashboardWords.types[type] : title;
