import { PasswordInput } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { words } from "../words/index.ts";

const own = words.session.setUp;
const shortest = 12;

/** A password that is chosen, twice, because nobody sees what she types. What makes one a bad choice the platform says. */
export type Chosen = { readonly chosen: string; readonly again: string };
export const nothingChosen: Chosen = { chosen: "", again: "" };

export const choosingWell = {
  chosen: (value: string) => (Array.from(value).length < shortest ? own.short : null),
  again: (value: string, { chosen }: Chosen) => (value === chosen ? null : own.differs),
};

export function NewPassword<Values extends Chosen>({ form }: { readonly form: UseFormReturnType<Values> }) {
  return (
    <>
      <PasswordInput
        label={words.password.chosen}
        description={own.passwordHint}
        autoComplete="new-password"
        required
        {...form.getInputProps("chosen")}
      />
      <PasswordInput label={own.again} autoComplete="new-password" required {...form.getInputProps("again")} />
    </>
  );
}
