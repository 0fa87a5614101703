import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import type { routes } from "@holdfast/protocol";
import { Press, ProblemNotice } from "../kit/index.ts";
import { GrantList } from "./grant-list.tsx";
import { words } from "../words/index.ts";
import type { Difference, Written } from "./use-change.ts";
import { useMembers } from "../naming/index.ts";

type Known = Reply<typeof routes.readRole>;
const own = words.roles;

/** What a change of a role would do, to it and to whoever has it; and the button that does it. */
export function RoleChange({
  written,
  before,
  difference,
  error,
  isPending,
  keep,
  close,
}: {
  readonly written: Written | undefined;
  readonly before: Known | undefined;
  readonly difference: Difference | undefined;
  readonly error: Error | null;
  readonly isPending: boolean;
  readonly keep: (written: Written) => void;
  readonly close: () => void;
}) {
  const { members } = useMembers();
  if (!written || !difference) return null;
  const called = (person: string) => members.find((member) => member.person === person)?.email ?? person;
  const [changed] = difference.changed;
  const isRenamed = before !== undefined && before.name !== written.name;
  const gains = before ? (changed?.added ?? []) : written.grants;
  const loses = changed?.removed ?? [];
  const isNothing = !isRenamed && changed === undefined && before !== undefined;
  return (
    <Modal opened onClose={close} title={own.changes} size="lg" closeButtonProps={{ "aria-label": words.common.close }}>
      <Stack gap="sm">
        {isNothing && <Text fz="sm">{words.common.unchanged}</Text>}
        {isRenamed && <Text fz="sm">{own.renamed(before.name, written.name)}</Text>}
        {changed?.described && <Text fz="sm">{own.described}</Text>}
        <Grants title={own.more} grants={gains} />
        <Grants title={own.less} grants={loses} />
        {difference.people.map(({ person, gains: more, loses: fewer }) => (
          <Text key={person} fz="sm">
            {own.effect(called(person), more, fewer)}
          </Text>
        ))}
        {before !== undefined && !isNothing && difference.people.length === 0 && <Text fz="sm">{own.noEffect}</Text>}
        {error && <ProblemNotice error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {words.common.cancel}
          </Button>
          <Press why={isNothing ? words.common.unchanged : undefined} onClick={() => keep(written)} loading={isPending}>
            {words.common.save}
          </Press>
        </Group>
      </Stack>
    </Modal>
  );
}

function Grants({ title, grants }: { readonly title: string; readonly grants: readonly string[] }) {
  if (grants.length === 0) return null;
  return (
    <Stack gap={4}>
      <Text fz="sm" fw={600}>
        {title}
      </Text>
      <GrantList grants={grants} />
    </Stack>
  );
}
