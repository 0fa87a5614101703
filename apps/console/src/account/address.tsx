import { routes } from "@holdfast/protocol";
import { Alert, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useSuspenseQuery } from "@tanstack/react-query";
import { apiFor, useAct } from "../api/index.ts";
import { Facts, Moment, ProblemNotice } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { AccountCard } from "./card.tsx";
import { emailQuery } from "./email.ts";
import { Opening } from "./opening.tsx";

const own = words.account.address;

/** By what address she is found and told of what befalls her account. */
export function Address() {
  const { data } = useSuspenseQuery(emailQuery);
  const { email, verifiedAt, by } = data;
  const ask = useAct(() => apiFor().call(routes.askVerification, { body: {} }));
  const state = verifiedAt === undefined ? own.unproved : <Moment key="at" at={verifiedAt} exactly />;
  return (
    <AccountCard title={own.title} lead={own.lead}>
      <Facts
        facts={[
          [own.email, email],
          [own.proved, state],
        ]}
      />
      {by === "file" && (
        <Alert color="yellow" variant="outline" c="var(--hf-text)" title={own.noMail}>
          <Text fz="sm">{own.noMailHint}</Text>
        </Alert>
      )}
      {ask.isSuccess && (
        <Text fz="sm" role="status">
          {own.sent(email)}
        </Text>
      )}
      {ask.error && <ProblemNotice error={ask.error} />}
      <Group gap="xs">
        {by === "mail" && verifiedAt === undefined && (
          <Button loading={ask.isPending} onClick={() => ask.mutate(undefined)}>
            {own.prove}
          </Button>
        )}
        <Opening label={own.change}>{(close) => <Changing close={close} />}</Opening>
      </Group>
    </AccountCard>
  );
}

function Changing({ close }: { readonly close: () => void }) {
  const form = useForm({ initialValues: { email: "" } });
  const act = useAct((body: { email: string }) => apiFor().call(routes.changeEmail, { body }));
  if (act.data) {
    return (
      <Stack gap="sm">
        <Text fz="sm" role="status">
          {act.data.by === "mail" ? own.sent(form.getValues().email) : own.inFile}
        </Text>
        <Button onClick={close}>{words.common.close}</Button>
      </Stack>
    );
  }
  return (
    <form onSubmit={form.onSubmit((given) => act.mutate(given))}>
      <Stack gap="sm">
        <TextInput
          label={own.another}
          description={own.anotherHint}
          type="email"
          autoComplete="email"
          required
          data-autofocus
          {...form.getInputProps("email")}
        />
        {act.error && <ProblemNotice error={act.error} />}
        <Button type="submit" loading={act.isPending}>
          {own.sendLink}
        </Button>
      </Stack>
    </form>
  );
}
