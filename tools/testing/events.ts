import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";
import { ourOwn } from "./files.ts";

/** What a test process tells the one that started it, one JSON line each. */
export type Told =
  | { tell: "began"; id: number; name: string }
  | { tell: "ended"; id: number }
  | { tell: "failed"; name: string; line: number | undefined; error: string }
  | { tell: "said"; message: string }
  | { tell: "noted"; message: string }
  | { tell: "counted"; as: Exclude<keyof Counts, "tests"> }
  /** Another file follows in its process; `at` is in milliseconds since 1970. */
  | { tell: "over"; file: string; at: number }
  | { tell: "done" };

/** Node's own counts of a run, under node's own names. */
export type Counts = Record<"tests" | "suites" | "passed" | "failed" | "cancelled" | "skipped" | "todo", number>;

/** A reporter for `node --test-reporter`; node wants it to be the default export. */
export default async function* events(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names = new Map<number, string>();
  for await (const event of source) {
    for (const told of [counted(event), tell(event, names)]) if (told) yield `${JSON.stringify(told)}\n`;
  }
}

function tell(event: TestEvent, names: Map<number, string>): Told | undefined {
  if (event.type === "test:dequeue") {
    const { testId: id, parentId, name } = numbered(event.data);
    if (ourOwn(name)) return undefined;
    const outer = names.get(parentId);
    const whole = outer === undefined ? name : `${outer} > ${name}`;
    names.set(id, whole);
    return { tell: "began", id, name: whole };
  }
  const own = event.type === "test:pass" && ourOwn(event.data.name);
  if (own)
    return own.isEnd ? { tell: "over", file: own.file, at: performance.timeOrigin + performance.now() } : undefined;
  if (event.type === "test:complete") return { tell: "ended", id: numbered(event.data).testId };
  if (event.type === "test:fail") {
    const { error } = event.data.details;
    // A parent fails because a child did, and the child has been told about. A `todo` may fail.
    if (kindOf(error) === "subtestsFailed" || event.data.todo !== undefined) return undefined;
    const name = names.get(numbered(event.data).testId) ?? event.data.name;
    return { tell: "failed", name, line: event.data.line, error: withoutNode(inspect(error.cause ?? error)) };
  }
  if (event.type === "test:diagnostic") {
    const { level, message, line } = event.data;
    if (level !== "info") return { tell: "said", message };
    // Node's own counts come the same way, as of the file's first line, where the imports are.
    return line === 1 ? undefined : { tell: "noted", message };
  }
  return event.type === "test:summary" ? { tell: "done" } : undefined;
}

function counted(event: TestEvent): Told | undefined {
  if (event.type !== "test:pass" && event.type !== "test:fail") return undefined;
  if (event.type === "test:pass" && ourOwn(event.data.name)) return undefined;
  const { skip, todo, details } = event.data;
  const ended = event.type === "test:pass" ? "passed" : isCancelled(event.data.details.error) ? "cancelled" : "failed";
  const as = details.type === "suite" ? "suites" : skip !== undefined ? "skipped" : todo !== undefined ? "todo" : ended;
  return { tell: "counted", as };
}

const isCancelled = (error: Error): boolean => /^(?:cancelled|testTimeout)/.test(String(kindOf(error)));

/** Node numbers its tests; its types do not say so yet. */
function numbered(data: { name: string }): { testId: number; parentId: number; name: string } {
  return { testId: 0, parentId: 0, ...data };
}

function withoutNode(trace: string): string {
  const lines = trace.split("\n");
  return lines.filter((line) => !/^\s+at .*node:(?:internal|async_hooks)/.test(line)).join("\n");
}

function kindOf(error: Error): unknown {
  return "failureType" in error ? error.failureType : undefined;
}
