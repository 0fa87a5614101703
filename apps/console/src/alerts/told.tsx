import { Checkbox, Fieldset, Stack, Text, TextInput } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor } from "../api/index.ts";
import { Tick } from "../kit/index.ts";
import { useMembers } from "../naming/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { useWebhooks } from "./asked.ts";
import { webhooksFor } from "./rule-fields.ts";

const own = words.alerts.rules;
const few = 8; // members among whom nobody has to search

type Given = { readonly told: readonly string[]; readonly change: (told: readonly string[]) => void };
const turned = (told: readonly string[], id: string): readonly string[] =>
  told.includes(id) ? told.filter((one) => one !== id) : [...told, id];

/** Members who get a letter. Who left, and is still named, can be taken off. */
export function ToldPeople({ told, change }: Given) {
  const org = useOrg();
  const { members, mayRead, isKnown } = useMembers();
  const [typed, setTyped] = useState("");
  const { data: platform } = useQuery({
    queryKey: ["platform", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readPlatform, { signal }),
  });
  const isMailing = platform?.mail === undefined || platform.mail.by === "mail";
  const people = members.map(({ person, email }) => ({ id: String(person), name: email }));
  const left = told
    .filter((id) => !people.some((one) => one.id === id))
    .map((id) => ({ id, name: isKnown ? own.gone(id) : id }));
  const word = typed.trim().toLowerCase();
  const found = people.filter(({ id, name }) => told.includes(id) || name.toLowerCase().includes(word));
  return (
    <Fieldset legend={own.people}>
      <Stack gap="xs">
        <Text fz="sm" c="var(--hf-dim)">
          {isMailing ? own.peopleHint : own.noMail}
        </Text>
        {people.length > few && (
          <TextInput
            aria-label={own.find}
            placeholder={own.find}
            value={typed}
            onChange={({ currentTarget: { value } }) => setTyped(value)}
          />
        )}
        {!mayRead && <Text fz="sm">{own.noMembers}</Text>}
        <Stack gap="xs" mah={200} style={{ overflowY: "auto" }}>
          {[...left, ...found].map(({ id, name }) => (
            <Tick
              key={id}
              label={name}
              checked={told.includes(id)}
              why={isMailing || told.includes(id) ? undefined : own.noMail}
              onChange={() => change(turned(told, id))}
            />
          ))}
        </Stack>
      </Stack>
    </Fieldset>
  );
}

/** Programs that are called. One that is gone, and is still named, can be taken off. */
export function ToldWebhooks({ told, change }: Given) {
  const { items: webhooks, altered } = useWebhooks().data ?? {};
  return (
    <Fieldset legend={own.webhooks}>
      <Stack gap="xs">
        <Text fz="sm" c="var(--hf-dim)">
          {webhooks?.length === 0 ? own.noWebhooks : own.webhooksHint}
        </Text>
        {webhooksFor(told, webhooks, altered).map(({ id, label }) => (
          <Checkbox key={id} label={label} checked={told.includes(id)} onChange={() => change(turned(told, id))} />
        ))}
      </Stack>
    </Fieldset>
  );
}
