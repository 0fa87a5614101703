import type { UseFormReturnType } from "@mantine/form";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useLocation } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { on } from "../api/index.ts";
import { paths } from "../kit/index.ts";
import { sessionQuery } from "./session.ts";

/** By the place and the form. In memory alone, and for whoever typed it. */
const kept = new Map<string, { readonly person: string; readonly values: object }>();

/** What is typed into this form when the session ends is there again behind the sign-in. */
export function useKept<Values extends object>(form: UseFormReturnType<Values>, name = ""): void {
  const { pathname } = useLocation();
  const { data } = useSuspenseQuery(sessionQuery);
  const person = data.person.id;
  const at = `${pathname} ${name}`;
  useEffect(() => {
    const left = kept.get(at);
    if (left?.person === person) form.setValues(left.values); // of this very form, by its name
    kept.delete(at);
    for (const [key, { person: whose }] of kept) if (whose !== person) kept.delete(key);
    return on("session ended", () => {
      if (form.isDirty()) kept.set(at, { person, values: form.getValues() });
    });
  }, [at, person]);
}

/**
 * The same for what a page has on it that is no form, under `at`. It is read when she is back and not when the session ends: an answer
 * that was under way until then is in it, too. Where some of it is shown once, the browser asks before it leaves the door with it.
 */
export function keeping<Values>(isShownOnce: (values: Values) => boolean) {
  const left = new Map<string, { readonly person: string; readonly read: () => Values | undefined }>();
  const ask = (event: BeforeUnloadEvent) => {
    const values = [...left.values()].flatMap(({ read }) => read() ?? []);
    // Somebody else who came in has nothing to lose by it.
    if (window.location.pathname === paths.signIn && values.some(isShownOnce)) event.preventDefault();
  };
  return function useKeptValues(at: string, values: Values | undefined, restore: (values: Values) => void): void {
    const { data } = useSuspenseQuery(sessionQuery);
    const person = data.person.id;
    const latest = useRef(values);
    useEffect(() => {
      latest.current = values;
    });
    useEffect(() => {
      const there = left.get(at);
      const found = there?.person === person ? there.read() : undefined;
      left.clear();
      window.removeEventListener("beforeunload", ask);
      if (found !== undefined) restore(found);
      return on("session ended", () => {
        left.set(at, { person, read: () => latest.current });
        window.addEventListener("beforeunload", ask);
      });
    }, [at, person]);
  };
}
