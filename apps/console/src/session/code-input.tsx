import { ApiProblem } from "@holdfast/client";
import { TextInput, type TextInputProps } from "@mantine/core";
import { useEffect, useRef } from "react";
import { words } from "../words/index.ts";

/** The password was right, and something more is asked for: here of what she has to type. */
export const isCodeAsked = (error: unknown): boolean => waysIn(error).some((way) => way !== "passkey");

/** She has nothing to type, and a passkey. */
export const isPasskeyAsked = (error: unknown): boolean => waysIn(error).includes("passkey") && !isCodeAsked(error);

const waysIn = (error: unknown): readonly string[] =>
  error instanceof ApiProblem && error.code === "factor.required" ? error.faults.map(({ path }) => path) : [];

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
