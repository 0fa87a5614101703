import type { Asked } from "@holdfast/mqtt";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** What stands in the password, as it stands there: a secret has one spelling, and none begins with a mark of byte order. */
export const secretIn = ({ password }: Pick<Asked, "password">): string => (password ? utf8.decode(password) : "");
