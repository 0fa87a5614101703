/** A filter of topics as MQTT has them (version 5, section 4.7), over the tree that people and programs know: `devices/{id}/…`. */
export type Filter = {
  matches(topic: string): boolean;
  /** Whether everything that the other filter matches is matched by this one. */
  covers(filter: string): boolean;
};

/** A sentence for what is none, or can match nothing. */
export function parseFilter(text: string): Filter | string {
  const levels = text.split("/");
  const isWritten = levels.every(
    (level, at) => level === "+" || (level === "#" ? at === levels.length - 1 : !/[+#\p{Cc}]/u.test(level)),
  );
  if (!isWritten || !["devices", "+", "#"].includes(levels[0] ?? ""))
    return "not a filter of topics such as devices/+/telemetry or devices/dev_…/#";
  const covers = (filter: string) => within(levels, filter.split("/"));
  return { matches: covers, covers };
}

function within(outer: readonly string[], inner: readonly string[]): boolean {
  for (const [at, level] of outer.entries()) {
    if (level === "#") return true;
    const other = inner[at];
    if (other === undefined || other === "#") return false;
    if (level !== "+" && level !== other) return false;
  }
  return outer.length === inner.length;
}
