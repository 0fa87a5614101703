import { routes } from "@holdfast/protocol";
import { Button, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor } from "../api/index.ts";
import { paths, ProblemNotice } from "../kit/index.ts";
import { Door } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.password;

/** Whoever forgot her password asks for a link. Whether there is such an account nobody learns here. */
export function Forgot() {
  const [by, setBy] = useState<"mail" | "file" | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const form = useForm({ initialValues: { email: "" } });
  const submit = form.onSubmit(async (body) => {
    setError(undefined);
    try {
      setBy((await apiFor().call(routes.forgotPassword, { body })).by);
    } catch (failure) {
      setError(failure);
    }
  });
  if (by) {
    return (
      <Door title={own.asked[by].title}>
        <Stack gap="sm" role="status">
          <Text fz="sm">{own.asked[by].lead}</Text>
          <Text fz="sm">{own.asked[by].hint}</Text>
        </Stack>
        <ToSignIn />
      </Door>
    );
  }
  return (
    <Door title={own.forgot} lead={own.forgotLead}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput
            label={words.session.signIn.email}
            type="email"
            autoComplete="username"
            required
            {...form.getInputProps("email")}
          />
          {error !== undefined && <ProblemNotice error={error} />}
          <Button type="submit" loading={form.submitting}>
            {own.send}
          </Button>
        </Stack>
      </form>
      <ToSignIn />
    </Door>
  );
}

export const ToSignIn = () => (
  <Text fz="sm">
    <Link to={paths.signIn}>{own.toSignIn}</Link>
  </Text>
);
