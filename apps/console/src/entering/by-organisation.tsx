import { Alert, Button, Stack, Text, TextInput } from "@mantine/core";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { paths, ProblemNotice } from "../kit/index.ts";
import { Door, useProvider } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.byProvider;

/** At the sign-in page: for whoever has an account with her organisation. */
export function ByOrganisation({ to }: { readonly to: string | undefined }) {
  const [isAsked, setAsked] = useState(false);
  const [org, setOrg] = useState("");
  const go = useProvider();
  if (!isAsked)
    return (
      <Button variant="default" onClick={() => setAsked(true)}>
        {own.open}
      </Button>
    );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        go.mutate({ org: org.trim(), ...(to !== undefined && { to }) });
      }}
    >
      <Stack gap="sm">
        <TextInput
          label={own.name}
          description={own.nameHint}
          required
          maxLength={254}
          autoComplete="organization"
          autoFocus
          value={org}
          onChange={(event) => setOrg(event.currentTarget.value)}
        />
        {go.error && <ProblemNotice error={go.error} />}
        <Button type="submit" variant="default" loading={go.isPending}>
          {own.go}
        </Button>
      </Stack>
    </form>
  );
}

/** The address that an organisation gives its people. */
export function OrganisationDoor() {
  const { org } = useParams({ from: paths.organisationSignIn });
  const { to, ended } = useSearch({ from: paths.organisationSignIn });
  const go = useProvider();
  return (
    <Door title={own.title} lead={own.lead}>
      {ended === true && (
        <Alert color="yellow" variant="outline" c="var(--hf-text)">
          {words.session.signIn.ended}
        </Alert>
      )}
      {go.error && <ProblemNotice error={go.error} />}
      <Button loading={go.isPending} data-autofocus onClick={() => go.mutate({ org, ...(to !== undefined && { to }) })}>
        {own.go}
      </Button>
      <Text fz="sm">
        <Link to={paths.signIn} search={to === undefined ? {} : { to }}>
          {own.otherwise}
        </Link>
      </Text>
    </Door>
  );
}
