import { routes } from "@holdfast/protocol";
import { Button, Checkbox, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor, queryClient } from "../api/index.ts";
import { ProblemNotice } from "../kit/index.ts";
import { paths } from "../kit/index.ts";
import { Door, linkSecret, sessionQuery } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.session.setUp;
const shortest = 12;

export function SetUp() {
  // Taken once, and out of sight: whoever looks over a shoulder or into the history finds nothing.
  const [secret] = useState(() => linkSecret("setup", window.location.hash));
  const navigate = useNavigate();
  const [error, setError] = useState<unknown>(undefined);
  const form = useForm({
    initialValues: { email: "", password: "", again: "", org: "", fleet: true },
    validate: {
      password: (value) => (value.length < shortest ? own.short : null),
      again: (value, { password }) => (value === password ? null : own.differs),
    },
  });
  const { data: offers } = useQuery({
    queryKey: ["set-up"],
    queryFn: ({ signal }) => apiFor().call(routes.readSetUp, { signal }),
  });
  const submit = form.onSubmit(async ({ email, password, org, fleet: isWanted }) => {
    const fleet = isWanted && offers?.fleet === true;
    setError(undefined);
    try {
      await apiFor().call(routes.setUp, { body: { secret: secret ?? "", email, password, org, fleet } });
      queryClient.setQueryData(
        sessionQuery.queryKey,
        await apiFor().call(routes.createSession, { body: { email, password } }),
      );
      await navigate({ to: paths.start, replace: true });
    } catch (failure) {
      setError(failure);
    }
  });
  if (secret === undefined)
    return (
      <Door title={own.title} lead={own.noLink}>
        {null}
      </Door>
    );
  return (
    <Door title={own.title} lead={own.lead}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput label={own.email} type="email" autoComplete="username" required {...form.getInputProps("email")} />
          <PasswordInput
            label={own.password}
            description={own.passwordHint}
            autoComplete="new-password"
            required
            {...form.getInputProps("password")}
          />
          <PasswordInput label={own.again} autoComplete="new-password" required {...form.getInputProps("again")} />
          <TextInput label={own.org} autoComplete="organization" required {...form.getInputProps("org")} />
          {offers?.fleet && (
            <Checkbox
              label={own.fleet}
              description={own.fleetHint}
              {...form.getInputProps("fleet", { type: "checkbox" })}
            />
          )}
          {error !== undefined && <ProblemNotice error={error} />}
          <Button type="submit" loading={form.submitting}>
            {own.submit}
          </Button>
        </Stack>
      </form>
    </Door>
  );
}
