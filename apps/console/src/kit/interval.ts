import { reportingInterval } from "@holdfast/protocol";
import { words } from "../words/index.ts";

/** What is wrong with how often a device should report; nothing where nobody says. */
export const intervalFault = (text: string): string | null =>
  text.trim() === "" || reportingInterval.safeParse(text.trim()).success ? null : words.common.intervalFault;

/** As the platform is told it: `null` takes away what was said. */
export const intervalOf = (text: string): string | null => (text.trim() === "" ? null : text.trim());
