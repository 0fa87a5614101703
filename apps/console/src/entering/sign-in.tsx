import type { Input } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Alert, Button, PasswordInput, Stack, TextInput, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor, queryClient } from "../api/index.ts";
import { paths } from "../kit/index.ts";
import { CodeInput, Door, hasPasskeys, isCodeAsked, PasskeyProblem, sessionQuery } from "../session/index.ts";
import { words } from "../words/index.ts";
import { ByOrganisation } from "./by-organisation.tsx";
import { PasskeyFirst } from "./passkey-first.tsx";

const own = words.session.signIn;

export function SignIn() {
  const { to, ended } = useSearch({ from: paths.signIn });
  const navigate = useNavigate();
  const [error, setError] = useState<unknown>(undefined);
  const [isAsked, setAsked] = useState(false);
  const form = useForm({ initialValues: { email: "", password: "", code: "" } });
  const enter = async (body: Input<typeof routes.createSession>["body"]) => {
    const session = await apiFor().call(routes.createSession, { body });
    queryClient.clear(); // what somebody else may have seen here
    queryClient.setQueryData(sessionQuery.queryKey, session);
    await navigate({ href: to ?? paths.start, replace: true });
  };
  const submit = form.onSubmit(async ({ email, password, code }) => {
    setError(undefined);
    try {
      await enter({ email, password, ...(isAsked && { code }) });
    } catch (failure) {
      if (isCodeAsked(failure)) setAsked(true);
      else setError(failure);
    }
  });
  return (
    <Door title={own.title}>
      {ended === true && (
        <Alert color="yellow" variant="outline" c="var(--hf-text)">
          {own.ended}
        </Alert>
      )}
      <PasskeyFirst enter={(passkey) => enter({ passkey })} />
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput
            label={own.email}
            type="email"
            autoComplete="username webauthn"
            required
            {...form.getInputProps("email")}
          />
          <PasswordInput
            label={own.password}
            autoComplete="current-password"
            required
            {...form.getInputProps("password")}
          />
          {isAsked && <CodeInput {...form.getInputProps("code")} />}
          {error !== undefined && <PasskeyProblem error={error} />}
          <Button type="submit" variant={hasPasskeys ? "default" : "filled"} loading={form.submitting}>
            {own.submit}
          </Button>
          <Text fz="sm">
            <Link to={paths.forgot}>{words.password.forgot}</Link>
          </Text>
        </Stack>
      </form>
      <ByOrganisation to={to} />
    </Door>
  );
}
