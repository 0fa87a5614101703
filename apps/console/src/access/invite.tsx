import { Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { routes, type Role } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";
import { Moment, OnceDialog, ProblemNotice, SecretOnce } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { useRoles } from "./use-roles.ts";

const own = words.people;

type Asked = { email: string; role: Role; expiresIn: keyof typeof own.lengths };
type Before = Pick<Reply<typeof routes.listInvitations>["items"][number], "email" | "role">;

const lengths = (Object.keys(own.lengths) as Asked["expiresIn"][]).map((value) => ({
  value,
  label: own.lengths[value],
})); // the keys of a constant

/** Asks somebody in, or asks once more, and shows the link for it once: whoever asks hands it over. */
export function Invite({
  opened,
  again,
  close,
}: {
  readonly opened: boolean;
  /** Whom a link was made for before, which this one replaces. */
  readonly again?: Before | undefined;
  readonly close: () => void;
}) {
  const org = useOrg();
  const { email = "", role = "viewer" } = again ?? {};
  const form = useForm<Asked>({ initialValues: { email, role, expiresIn: "7d" } });
  const invite = useAct((body: Asked) => apiFor(org.id).call(routes.invite, { body }));
  const { options } = useRoles();
  const made = invite.data;
  const leave = () => {
    invite.reset();
    form.reset();
    close();
  };
  const shown = made && (
    <>
      <Text fz="sm">{made.isMailed ? own.mailed(made.email) : own.handOver(made.email)}</Text>
      <SecretOnce label={own.link} secret={made.link ?? ""} file={`${made.id}.txt`} />
      <Text fz="sm">
        {own.until}: <Moment at={made.expiresAt} exactly />
      </Text>
    </>
  );
  return (
    <OnceDialog opened={opened} close={leave} title={again ? own.newLink : own.invite} made={shown}>
      <form onSubmit={form.onSubmit((body) => invite.mutate(body))}>
        <Stack gap="sm">
          <TextInput
            label={own.email}
            type="email"
            required
            readOnly={again !== undefined}
            autoComplete="off"
            data-autofocus
            {...form.getInputProps("email")}
          />
          <NativeSelect label={own.role} data={options} {...form.getInputProps("role")} />
          <NativeSelect label={own.works} data={lengths} {...form.getInputProps("expiresIn")} />
          <Text fz="sm" c="var(--hf-dim)">
            {again ? own.newLinkHint : own.inviteHint}
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
