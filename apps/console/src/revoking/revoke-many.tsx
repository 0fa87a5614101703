import { Checkbox, Group, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { routes } from "@holdfast/protocol";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Confirm } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { WhatEndsUnder } from "./what-ends.tsx";

const own = words.revoking;
const parties = ["people", "programs", "devices"] as const;
type Party = (typeof parties)[number];

/** Ends all that is under one thing, or of the devices with a tag, after saying what that is. */
export function RevokeMany({ close }: { readonly close: () => void }) {
  const org = useOrg();
  const [typed, setAbout] = useState("");
  const [ends, setEnds] = useState<Party[]>(["devices"]);
  const about = typed.trim();
  const [asked] = useDebouncedValue(about, 300);
  const revoke = useAct(() => apiFor(org.id).call(routes.revoke, { body: { about, ends } }));
  const isComplete = about !== "" && ends.length > 0;
  return (
    <Confirm
      opened
      close={close}
      title={own.many}
      label={own.revoke}
      name={isComplete ? about : own.nothingNamed}
      act={() => revoke.mutateAsync(undefined)}
    >
      <Text fz="sm">{own.manyHint}</Text>
      <TextInput
        label={own.about}
        placeholder="tag:site=north"
        value={typed}
        onChange={(event) => setAbout(event.currentTarget.value)}
        autoComplete="off"
      />
      <Checkbox.Group
        label={own.whose}
        value={ends}
        onChange={(ticked) => setEnds(parties.filter((party) => ticked.includes(party)))}
      >
        <Group gap="md" mt={4}>
          {parties.map((party) => (
            <Checkbox key={party} value={party} label={own.parties[party]} />
          ))}
        </Group>
      </Checkbox.Group>
      {asked !== "" && ends.length > 0 && <WhatEndsUnder about={asked} ends={ends} />}
    </Confirm>
  );
}
