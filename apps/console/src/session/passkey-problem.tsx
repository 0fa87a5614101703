import { Alert } from "@mantine/core";
import { ProblemNotice } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { isPasskeyAsked } from "./code-input.tsx";
import { unmade } from "./passkey.ts";

const own = words.session.passkey;

/** What went wrong, also where nothing did: she thought better of it, or is asked for her passkey. */
export function PasskeyProblem({ error }: { readonly error: unknown }) {
  const why = isPasskeyAsked(error) ? "asked" : unmade(error);
  if (why === undefined) return <ProblemNotice error={error} />;
  if (why === "abandoned") return null;
  return (
    <Alert role="alert" variant="outline" color="yellow" c="var(--hf-text)">
      {own[why]}
    </Alert>
  );
}
