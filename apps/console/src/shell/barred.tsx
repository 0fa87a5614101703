import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { Link, useLocation, useNavigate } from "@tanstack/react-router";
import { Moment, Page, paths } from "../kit/index.ts";
import { useSignOut, type Member } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.barred;

const isOfFactors = (code: string): code is keyof typeof own.why => Object.hasOwn(own.why, code);

/** In place of every page of an organisation that does not let her in: why, and the way in, where she can do something about it. */
export function Barred({ org: { id, name, refused, factor } }: { readonly org: Member }) {
  const signOut = useSignOut();
  const navigate = useNavigate();
  const { href } = useLocation();
  const code = refused?.code ?? "";
  return (
    <Page title={own.title(name)}>
      <Stack gap="sm" maw={640} align="flex-start">
        {isOfFactors(code) ? (
          <>
            {factor && <Text>{own.demands[factor]}</Text>}
            <Text fz="sm">{own.why[code]}</Text>
          </>
        ) : (
          <Text>{code.startsWith("credential.") ? own.signedOut : refused?.because}</Text>
        )}
        {code === "factor.demanded" && (
          <Button component={Link} to={paths.account}>
            {own.enrol}
          </Button>
        )}
        {(code === "factor.unshown" || code.startsWith("credential.")) && (
          <Button onClick={() => void signOut(href)}>{words.session.again}</Button>
        )}
        {code === "provider.required" && (
          <Button
            onClick={() => void navigate({ to: paths.organisationSignIn, params: { org: id }, search: { to: href } })}
          >
            {words.byProvider.open}
          </Button>
        )}
        <Text fz="sm" c="var(--hf-dim)">
          {own.kept}
        </Text>
      </Stack>
    </Page>
  );
}

/** What will be demanded, while there is time. */
export function Coming({ org, from }: { readonly org: Member; readonly from: string }) {
  return (
    <Alert variant="outline" color="gray" c="var(--hf-text)" m="md" mb={0} title={own.coming[org.factor ?? "second"]}>
      <Group gap="xs">
        <Text fz="sm">
          {own.from} <Moment at={from} exactly />
        </Text>
        <Button component={Link} to={paths.account} size="compact-sm" variant="default">
          {own.look}
        </Button>
      </Group>
    </Alert>
  );
}
