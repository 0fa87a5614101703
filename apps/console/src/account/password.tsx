import { routes } from "@holdfast/protocol";
import { Button, PasswordInput, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { paths, ProblemNotice } from "../kit/index.ts";
import { choosingWell, NewPassword, nothingChosen, sessionQuery } from "../session/index.ts";
import { words } from "../words/index.ts";
import { AccountCard } from "./card.tsx";
import { Opening } from "./opening.tsx";

const own = words.account.password;

/** The password, which she changes with the one that she has. */
export function Password() {
  const [isDone, setDone] = useState(false);
  return (
    <AccountCard title={own.title} lead={own.lead}>
      {isDone && (
        <Text fz="sm" role="status">
          {own.done}
        </Text>
      )}
      <Opening label={own.change}>
        {(close) => (
          <Changing
            done={() => {
              close();
              setDone(true);
            }}
          />
        )}
      </Opening>
    </AccountCard>
  );
}

function Changing({ done }: { readonly done: () => void }) {
  const { data } = useSuspenseQuery(sessionQuery);
  const form = useForm({ initialValues: { ...nothingChosen, password: "" }, validate: choosingWell });
  const act = useAct(async ({ password, chosen: newPassword }: { password: string; chosen: string }) => {
    await apiFor().call(routes.changePassword, { body: { password, newPassword } });
    done();
  });
  return (
    <form onSubmit={form.onSubmit((given) => act.mutate(given))}>
      <Stack gap="sm">
        {/* For programs that keep passwords: whose this is. */}
        <input type="text" autoComplete="username" value={data.person.email} readOnly hidden />
        <PasswordInput
          label={own.present}
          autoComplete="current-password"
          required
          data-autofocus
          {...form.getInputProps("password")}
        />
        <NewPassword form={form} />
        <Text fz="sm" c="var(--hf-dim)">
          {own.ends}
        </Text>
        {act.error && <ProblemNotice error={act.error} />}
        <Button type="submit" loading={act.isPending}>
          {own.change}
        </Button>
        <Text fz="sm">
          <Link to={paths.forgot}>{words.password.forgot}</Link>
        </Text>
      </Stack>
    </form>
  );
}
