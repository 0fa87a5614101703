import { ApiProblem } from "@holdfast/client";
import { TextInput, type TextInputProps } from "@mantine/core";
import { useEffect, useRef } from "react";
import { words } from "../words/index.ts";

/** The password was right, and something more is asked for. */
export const isCodeAsked = (error: unknown): boolean => error instanceof ApiProblem && error.code === "factor.required";

/** Appears when it is asked for, and is what is typed next. */
export function CodeInput(given: TextInputProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  return (
    <TextInput
      ref={input}
      label={words.session.code}
      description={words.session.codeHint}
      autoComplete="one-time-code"
      required
      {...given}
    />
  );
}
