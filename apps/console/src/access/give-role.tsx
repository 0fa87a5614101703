import { Button, Group, Modal, NativeSelect, Stack, Text } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes, type Role } from "@holdfast/protocol";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Press, ProblemNotice } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { useRoles } from "./use-roles.ts";

type Member = Reply<typeof routes.listMembers>["items"][number];
const own = words.people;

/** Another role for a member; what she may do changes at once. */
export function GiveRole({ member, close }: { readonly member: Member | undefined; readonly close: () => void }) {
  const org = useOrg();
  const { options } = useRoles();
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const give = useAct((role: Role) =>
    apiFor(org.id).call(routes.updateMember, { params: { person: member?.person ?? "" }, body: { role } }),
  );
  const leave = () => {
    setChosen(undefined);
    give.reset();
    close();
  };
  const role = chosen ?? member?.role ?? "viewer";
  const wanted = options.find(({ value }) => value === role)?.value;
  return (
    <Modal
      opened={member !== undefined}
      onClose={leave}
      title={own.changeRole}
      closeButtonProps={{ "aria-label": words.common.close }}
    >
      <Stack gap="sm">
        <NativeSelect
          label={own.roleOf(member?.email ?? "")}
          data={options}
          value={role}
          data-autofocus
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
        <Text fz="sm" c="var(--hf-dim)">
          {own.changeRoleHint}
        </Text>
        {give.error && <ProblemNotice error={give.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={leave}>
            {words.common.cancel}
          </Button>
          <Press
            why={role === member?.role || wanted === undefined ? words.common.unchanged : undefined}
            loading={give.isPending}
            onClick={() => wanted !== undefined && give.mutate(wanted, { onSuccess: leave })}
          >
            {words.common.save}
          </Press>
        </Group>
      </Stack>
    </Modal>
  );
}
