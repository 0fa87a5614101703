import { Button, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";
import { Moment, OnceDialog, ProblemNotice, SecretOnce } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

type User = Reply<typeof routes.listUsers>["items"][number];
const own = words.customers;

/** A code with which a customer sets her password, shown once: of somebody who is invited, or who is there and forgot it. */
export function CustomerCode({
  application,
  user,
  opened,
  close,
}: {
  readonly application: string;
  readonly user: User | undefined;
  readonly opened: boolean;
  readonly close: () => void;
}) {
  const org = useOrg();
  const api = apiFor(org.id);
  const form = useForm({ initialValues: { login: "" } });
  const make = useAct(({ login }: { login: string }) =>
    user
      ? api.call(routes.resetUser, { params: { application, user: user.id } })
      : api.call(routes.createUser, { params: { application }, body: { login } }),
  );
  const made = make.data;
  const leave = () => {
    make.reset();
    form.reset();
    close();
  };
  const shown = made && (
    <>
      <Text fz="sm">{own.handOver}</Text>
      <SecretOnce label={own.code} secret={made.code ?? ""} file="code.txt" />
      <Text fz="sm">
        {words.people.until}: <Moment at={made.codeExpiresAt} exactly />
      </Text>
    </>
  );
  return (
    <OnceDialog opened={opened} close={leave} title={user ? own.reset : own.invite} made={shown}>
      <form onSubmit={form.onSubmit((body) => make.mutate(body))}>
        <Stack gap="sm">
          {user ? (
            <Text fz="sm">{own.resetHint(user.login)}</Text>
          ) : (
            <TextInput
              label={own.login}
              description={own.loginHint}
              required
              autoComplete="off"
              data-autofocus
              {...form.getInputProps("login")}
            />
          )}
          {make.error && <ProblemNotice error={make.error} />}
          <Button type="submit" loading={make.isPending}>
            {own.makeCode}
          </Button>
        </Stack>
      </form>
    </OnceDialog>
  );
}
