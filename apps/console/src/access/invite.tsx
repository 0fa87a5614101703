import { Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { routes, type Role } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";
import { Moment, OnceDialog, ProblemNotice, SecretOnce } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { useRoles } from "./use-roles.ts";

const own = words.people;

/** Asks somebody in, and shows the link for it once: the platform sends no mail. */
export function Invite({ opened, close }: { readonly opened: boolean; readonly close: () => void }) {
  const org = useOrg();
  const form = useForm<{ email: string; role: Role }>({ initialValues: { email: "", role: "viewer" } });
  const invite = useAct((body: { email: string; role: Role }) => apiFor(org.id).call(routes.invite, { body }));
  const { options } = useRoles();
  const made = invite.data;
  const leave = () => {
    invite.reset();
    form.reset();
    close();
  };
  const shown = made && (
    <>
      <Text fz="sm">{own.handOver(made.email)}</Text>
      <SecretOnce label={own.link} secret={made.link ?? ""} file={`${made.id}.txt`} />
      <Text fz="sm">
        {own.until}: <Moment at={made.expiresAt} exactly />
      </Text>
    </>
  );
  return (
    <OnceDialog opened={opened} close={leave} title={own.invite} made={shown}>
      <form onSubmit={form.onSubmit((body) => invite.mutate(body))}>
        <Stack gap="sm">
          <TextInput
            label={own.email}
            type="email"
            required
            autoComplete="off"
            data-autofocus
            {...form.getInputProps("email")}
          />
          <NativeSelect label={own.role} data={options} {...form.getInputProps("role")} />
          <Text fz="sm" c="var(--hf-dim)">
            {own.inviteHint}
          </Text>
          {invite.error && <ProblemNotice error={invite.error} />}
          <Group>
            <Button type="submit" loading={invite.isPending}>
              {own.makeLink}
            </Button>
          </Group>
        </Stack>
      </form>
    </OnceDialog>
  );
}
