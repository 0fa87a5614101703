import { unsaid, type LiveRefused } from "@holdfast/client";

/**
 * Why something was refused, each thing once, with the clause for whoever may know it. What a stranger is told of a credential says as
 * little as it can: where more is known to who may see the device, that is the reason.
 */
export function reasonOf({ code, title, detail, errors = [], because }: LiveRefused): string {
  if (code === "credential.invalid" && detail !== undefined) return detail;
  const sentence = `${title} ${detail ?? ""}`.trim();
  const more = unsaid(sentence, errors).map(({ path, message }) => `${path}: ${message}`);
  return [sentence, ...more, ...(because === undefined ? [] : [`(${because})`])].join(" ");
}
