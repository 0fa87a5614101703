import type { Answer, Visitor } from "../apps/server/src/testing/index.ts";

/** A form, as OAuth has it. */
export const formTo = <T>(
  visitor: Visitor,
  path: string,
  form: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer<T>> =>
  visitor.send<T>("POST", path, {
    bytes: Buffer.from(new URLSearchParams(form).toString()),
    headers: { ...headers, "content-type": "application/x-www-form-urlencoded" },
  });
