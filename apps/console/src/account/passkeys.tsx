import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Moment } from "../kit/index.ts";
import { hasPasskeys, makePasskey, PasskeyProblem } from "../session/index.ts";
import { words } from "../words/index.ts";
import { passkeysQuery } from "./account.ts";
import { Asking } from "./asking.tsx";
import { AccountCard } from "./card.tsx";
import { PasskeysAlone } from "./passkeys-alone.tsx";

const own = words.passkeys;

type Passkey = Reply<typeof routes.listAccountPasskeys>["items"][number];

/** What signs her in by itself, on this page alone. */
export function Passkeys() {
  const { data } = useSuspenseQuery(passkeysQuery);
  const [asked, ask] = useState<Asked | undefined>(undefined);
  // Before the dialog: it asks who is there, perhaps, and a dialog on a dialog is one too many.
  const begin = useAct(async () => ask({ what: "add", question: await apiFor().call(routes.accountPasskeyOptions) }));
  const close = () => ask(undefined);
  return (
    <AccountCard title={own.title} lead={own.lead}>
      {data.items.length === 0 ? (
        <Text fz="sm">{own.none}</Text>
      ) : (
        <Stack component="ul" gap="sm" w="100%" m={0} p={0} aria-label={own.list} style={{ listStyle: "none" }}>
          {data.items.map((passkey) => (
            <One key={passkey.id} passkey={passkey} ask={ask} />
          ))}
        </Stack>
      )}
      {begin.error && <PasskeyProblem error={begin.error} />}
      {hasPasskeys ? (
        <Button
          variant={data.items.length > 0 ? "default" : "filled"}
          loading={begin.isPending}
          onClick={() => begin.mutate(undefined)}
        >
          {own.add}
        </Button>
      ) : (
        <Text fz="sm" c="var(--hf-dim)">
          {own.unnamed}
        </Text>
      )}
      {data.items.length > 0 && <PasskeysAlone />}
      {asked?.what === "add" && <Adding question={asked.question} close={close} />}
      {asked?.what === "rename" && <Renaming passkey={asked.passkey} close={close} />}
      {asked?.what === "remove" && <Removing passkey={asked.passkey} close={close} />}
    </AccountCard>
  );
}

type Asked =
  | { readonly what: "add"; readonly question: Reply<typeof routes.accountPasskeyOptions> }
  | { readonly what: "rename" | "remove"; readonly passkey: Passkey };

function One({ passkey, ask }: { readonly passkey: Passkey; readonly ask: (asked: Asked) => void }) {
  const { name, site, createdAt, lastUsedAt, isBackedUp, clonedAt } = passkey;
  return (
    <Group component="li" justify="space-between" gap="xs" aria-label={name}>
      <div>
        <Text fz="sm" fw={600}>
          {name}
        </Text>
        <Text fz="sm" c="var(--hf-dim)" component="div">
          {own.site} {site}
          {isBackedUp && `, ${own.backedUp}`} · {own.made} <Moment at={createdAt} /> · {own.used}{" "}
          {lastUsedAt === undefined ? own.never : <Moment at={lastUsedAt} />}
        </Text>
        {clonedAt !== undefined && <span className="hf-state hf-cross hf-bad">{own.copied}</span>}
      </div>
      <Group gap="xs" role="group" aria-label={own.actions(name)}>
        <Button size="compact-sm" variant="default" onClick={() => ask({ what: "rename", passkey })}>
          {own.rename}
        </Button>
        <Button size="compact-sm" color="red" variant="outline" onClick={() => ask({ what: "remove", passkey })}>
          {own.remove}
        </Button>
      </Group>
    </Group>
  );
}

type Dialog = { readonly close: () => void };

/** She says what it is called, and her browser asks the rest. */
function Adding({ question, close }: { readonly question: Reply<typeof routes.accountPasskeyOptions> } & Dialog) {
  const add = useAct(async (name: string) => {
    const answer = await makePasskey(question);
    await apiFor().call(routes.createAccountPasskey, { body: { answer, name } });
    close();
  });
  return (
    <Naming title={own.addTitle} hint={own.addHint} label={own.add} initial={own.usualName} act={add} close={close} />
  );
}

function Renaming({ passkey: { id, name: before }, close }: { readonly passkey: Passkey } & Dialog) {
  const rename = useAct(async (name: string) => {
    await apiFor().call(routes.renameAccountPasskey, { params: { passkey: id }, body: { name } });
    close();
  });
  return <Naming title={own.renameTitle(before)} label={own.rename} initial={before} act={rename} close={close} />;
}

function Naming({
  title,
  hint,
  label,
  initial,
  act,
  close,
}: {
  readonly title: string;
  readonly hint?: string;
  readonly label: string;
  readonly initial: string;
  readonly act: { readonly isPending: boolean; readonly error: Error | null; mutate(name: string): void };
} & Dialog) {
  const [name, setName] = useState(initial);
  return (
    <Modal opened onClose={close} title={title} closeButtonProps={{ "aria-label": words.common.close }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          act.mutate(name);
        }}
      >
        <Stack gap="md">
          {hint !== undefined && <Text fz="sm">{hint}</Text>}
          <TextInput
            label={own.name}
            description={own.nameHint}
            required
            maxLength={64}
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {act.error && <PasskeyProblem error={act.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {words.common.cancel}
            </Button>
            <Button type="submit" loading={act.isPending}>
              {label}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Removing({ passkey: { id, name }, close }: { readonly passkey: Passkey } & Dialog) {
  const remove = useAct(async () => {
    await apiFor().call(routes.removeAccountPasskey, { params: { passkey: id } });
    close();
  });
  return (
    <Modal opened onClose={close} title={own.removeTitle(name)} closeButtonProps={{ "aria-label": words.common.close }}>
      <Asking label={own.remove} color="red" act={remove} close={close}>
        <Text fz="sm">{own.removeHint}</Text>
      </Asking>
    </Modal>
  );
}
