import { ApiProblem, type Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Button, PasswordInput, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor, queryClient, useAct } from "../api/index.ts";
import { paths, Slow } from "../kit/index.ts";
import {
  CodeInput,
  Door,
  hasPasskeys,
  isCodeAsked,
  linkSecret,
  makePasskey,
  PasskeyProblem,
  sessionQuery,
  showPasskey,
  useProvider,
} from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.invitation;
const account = words.session.setUp;
const shortest = 12;

/** As whom somebody comes: with an account that is made now, with one that is there, or as who is signed in here. */
type Comer = "new" | "known" | "me";
type Asked = { comer: Comer; email: string; password: string; again: string; code: string };

/** Where the link of an invitation leads: for strangers, for people with an account, and for whoever is signed in. */
export function Invitation() {
  const [secret] = useState(() => linkSecret("invitation", window.location.hash));
  const { data: session, isFetched } = useQuery(sessionQuery);
  if (secret === undefined) {
    return (
      <Door title={own.title} lead={own.noLink}>
        <Out />
      </Door>
    );
  }
  if (!isFetched) {
    return (
      <Door title={own.title}>
        <Slow />
      </Door>
    );
  }
  return (
    <Door title={own.title} lead={own.lead}>
      <Accept secret={secret} me={session?.person.email} />
      <ByOrganisation secret={secret} />
    </Door>
  );
}

function Accept({ secret, me }: { readonly secret: string; readonly me: string | undefined }) {
  const navigate = useNavigate();
  const [problem, setProblem] = useState<{ error: unknown; comer: Comer } | undefined>(undefined);
  const [isAsked, setAsked] = useState(false);
  /** She showed what is hers, and is signed in nowhere: she belongs to no organisation. */
  const [isAlone, setAlone] = useState(false);
  const [isJoined, setJoined] = useState(false);
  const form = useForm<Asked>({
    initialValues: { comer: me === undefined ? "new" : "me", email: "", password: "", again: "", code: "" },
    validate: {
      password: (value, { comer }) => (comer === "new" && value.length < shortest ? account.short : null),
      again: (value, { comer, password }) => (comer === "new" && value !== password ? account.differs : null),
    },
  });
  const { comer } = form.getValues();
  const submit = form.onSubmit(async ({ comer: as, email, password, code }) => {
    setProblem(undefined);
    try {
      const how = as === "known" && isAlone ? "alone" : as;
      const org = await come(secret, how, { email, password, ...(isAsked && { code }) });
      if (org === undefined) setJoined(true);
      else await navigate({ to: paths.overview, params: { org }, replace: true });
    } catch (error) {
      form.setFieldValue("code", ""); // whatever it was, it is good no more
      if (isCodeAsked(error)) setAsked(true);
      // A wrong password was told before a code was asked for, and a wrong code is told otherwise.
      else if (as === "known" && isAsked && !isAlone && isNothing(error)) setAlone(true);
      else setProblem({ error, comer: as });
    }
  });
  const byPasskey = useAct(async () => {
    setProblem(undefined);
    const { email } = form.getValues();
    const org = comer === "new" ? await comeWithNew(secret, email) : await comeWithPasskey(secret, email);
    await navigate({ to: paths.overview, params: { org }, replace: true });
  });
  if (isJoined) {
    return (
      <>
        <Text role="status" fz="sm">
          {own.joined}
        </Text>
        <Button component={Link} to={paths.signIn}>
          {own.signIn}
        </Button>
      </>
    );
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Radio.Group label={own.comer} {...form.getInputProps("comer")}>
          <Stack gap="xs" mt={4}>
            {me !== undefined && <Radio value="me" label={own.me(me)} />}
            <Radio value="new" label={own.new} />
            <Radio value="known" label={own.known} />
          </Stack>
        </Radio.Group>
        {comer !== "me" && (
          <TextInput
            label={account.email}
            description={own.emailHint}
            type="email"
            autoComplete="username"
            required
            {...form.getInputProps("email")}
          />
        )}
        {comer !== "me" && hasPasskeys && (
          <>
            <Button
              loading={byPasskey.isPending}
              disabled={!form.values.email.includes("@")}
              onClick={() => byPasskey.mutate(undefined)}
            >
              {comer === "new" ? own.newPasskey : words.session.passkey.use}
            </Button>
            {comer === "new" && (
              <Text fz="sm" c="var(--hf-dim)">
                {own.newPasskeyHint}
              </Text>
            )}
            {byPasskey.error && <PasskeyProblem error={byPasskey.error} />}
            {byPasskey.error && <Help error={byPasskey.error} comer={comer} />}
            <Text fz="sm" c="var(--hf-dim)">
              {own.orPassword}
            </Text>
          </>
        )}
        {comer !== "me" && (
          <PasswordInput
            label={comer === "new" ? account.password : own.yourPassword}
            description={comer === "new" ? account.passwordHint : undefined}
            autoComplete={comer === "new" ? "new-password" : "current-password"}
            required
            {...form.getInputProps("password")}
          />
        )}
        {comer === "known" && isAlone && (
          <Text role="status" fz="sm">
            {own.alone}
          </Text>
        )}
        {comer === "new" && (
          <PasswordInput label={account.again} autoComplete="new-password" required {...form.getInputProps("again")} />
        )}
        {comer !== "me" && isAsked && <CodeInput {...form.getInputProps("code")} />}
        {problem && <PasskeyProblem error={problem.error} />}
        {problem && <Help {...problem} />}
        <Button type="submit" variant={comer !== "me" && hasPasskeys ? "default" : "filled"} loading={form.submitting}>
          {own.submit}
        </Button>
      </Stack>
    </form>
  );
}

/** For whoever has an account with the organisation, if it signs people in itself. */
function ByOrganisation({ secret }: { readonly secret: string }) {
  const go = useProvider();
  return (
    <Stack gap="sm">
      {go.error && <PasskeyProblem error={go.error} />}
      <Button variant="default" loading={go.isPending} onClick={() => go.mutate({ invitation: secret })}>
        {words.byProvider.open}
      </Button>
    </Stack>
  );
}

/** A passkey is made, and shown at once: so it is known to open before anybody relies on it. */
async function comeWithNew(secret: string, email: string): Promise<string> {
  const api = apiFor();
  const question = await api.call(routes.invitationPasskeyOptions, { body: { secret, email } });
  const newPasskey = await makePasskey(question);
  const { org } = await api.call(routes.acceptInvitation, { body: { secret, email, newPasskey } });
  entered(await api.call(routes.createSession, { body: { passkey: await showPasskey() } }));
  return org;
}

async function comeWithPasskey(secret: string, email: string): Promise<string> {
  const api = apiFor();
  const session = async () => api.call(routes.createSession, { body: { passkey: await showPasskey() } });
  try {
    await session();
  } catch (error) {
    if (!isNothing(error)) throw error;
    // Whoever belongs to no organisation any more is signed in nowhere: she takes it first.
    const { org } = await api.call(routes.acceptInvitation, { body: { secret, email, passkey: await showPasskey() } });
    entered(await session());
    return org;
  }
  const { org } = await api.call(routes.takeInvitation, { body: { secret } });
  entered(await api.call(routes.readSession));
  return org;
}

function entered(session: Reply<typeof routes.readSession>): void {
  queryClient.clear(); // what somebody else may have seen here
  queryClient.setQueryData(sessionQuery.queryKey, session);
}

/**
 * Takes the invitation, and answers with the organisation once she is signed in; with nothing where she has to sign in yet, because the code
 * that she showed is good once. `alone`: she has an account, which is signed in nowhere before.
 */
async function come(
  secret: string,
  comer: Comer | "alone",
  who: { email: string; password: string; code?: string },
): Promise<string | undefined> {
  const api = apiFor();
  // First of all: where there is no such account, taking it would make one with whatever was mistyped.
  if (comer === "known") await api.call(routes.createSession, { body: who });
  if (comer === "known" || comer === "me") {
    const { org } = await api.call(routes.takeInvitation, { body: { secret } });
    entered(await api.call(routes.readSession));
    return org;
  }
  const { org } = await api.call(routes.acceptInvitation, { body: { secret, ...who } });
  if (who.code !== undefined) return undefined;
  entered(await api.call(routes.createSession, { body: who }));
  return org;
}

const isNothing = (error: unknown): boolean => error instanceof ApiProblem && error.code === "credential.invalid";

/** What she can do about it herself. */
function Help({ error, comer }: { readonly error: unknown; readonly comer: Comer }) {
  const code = error instanceof ApiProblem ? error.code : undefined;
  switch (code) {
    case "invitation.invalid":
      return (
        <>
          <Text fz="sm">{comer === "me" ? own.otherEmail : own.checkEmail}</Text>
          <Out />
        </>
      );
    case "credential.invalid":
      return <Text fz="sm">{comer === "new" ? own.hasAccount : own.wrongPassword}</Text>;
    case "member.exists":
      return <Out />;
    default:
      return null;
  }
}

/** To where she belongs already: by the door, if nobody is signed in. */
const Out = () => (
  <Text fz="sm">
    <Link to={paths.start}>{own.out}</Link>
  </Text>
);
