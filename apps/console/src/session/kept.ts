import type { UseFormReturnType } from "@mantine/form";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useLocation } from "@tanstack/react-router";
import { useEffect } from "react";
import { on } from "../api/index.ts";
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
