import { ApiProblem } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Button, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor, queryClient } from "../api/index.ts";
import { paths, ProblemNotice } from "../kit/index.ts";
import { choosingWell, Door, linkSecret, NewPassword, nothingChosen } from "../session/index.ts";
import { words } from "../words/index.ts";
import { ToSignIn } from "./forgot.tsx";

const own = words.password;

/** Where the link for a new password leads. It signs nobody in. */
export function Reset() {
  const [secret] = useState(() => linkSecret("reset", window.location.hash));
  const [isDone, setDone] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const form = useForm({ initialValues: nothingChosen, validate: choosingWell });
  const submit = form.onSubmit(async ({ chosen: password }) => {
    setError(undefined);
    try {
      await apiFor().call(routes.resetPassword, { body: { secret: secret ?? "", password } });
      queryClient.clear(); // whoever was signed in here is no more
      setDone(true);
    } catch (failure) {
      setError(failure);
    }
  });
  if (secret === undefined) {
    return (
      <Door title={own.reset} lead={own.noLink}>
        <Another />
      </Door>
    );
  }
  if (isDone) {
    return (
      <Door title={own.done}>
        <Text fz="sm" role="status">
          {own.doneLead}
        </Text>
        <ToSignIn />
      </Door>
    );
  }
  return (
    <Door title={own.reset} lead={own.resetLead}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <NewPassword form={form} />
          {error !== undefined && <ProblemNotice error={error} />}
          {error instanceof ApiProblem && error.code === "link.invalid" && <Another />}
          <Button type="submit" loading={form.submitting}>
            {own.choose}
          </Button>
        </Stack>
      </form>
    </Door>
  );
}

const Another = () => (
  <Text fz="sm">
    <Link to={paths.forgot}>{own.another}</Link>
  </Text>
);
