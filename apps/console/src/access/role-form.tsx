import { Button, Checkbox, Fieldset, Group, NativeSelect, SimpleGrid, Stack, Textarea, TextInput } from "@mantine/core";
import { useForm, type UseFormReturnType } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor } from "../api/index.ts";
import { paths, Press, ProblemNotice, Tick } from "../kit/index.ts";
import { useCan, useKept, useOrg } from "../session/index.ts";
import { Tried, TryButton, useTrying } from "../trying/index.ts";
import { words } from "../words/index.ts";
import { RoleChange } from "./role-change.tsx";
import { bySubject, everywhere, grantsIn, placesOf, type Place } from "./role-places.ts";
import { useChange, type Written } from "./use-change.ts";

type Known = Reply<typeof routes.readRole>;
type Asked = { name: string; description: string; places: Place[] };
type Form = UseFormReturnType<Asked>;
const own = words.roles;

/** What a role is called and lets do. Before anything is kept, it is shown what that changes, and for whom. */
export function RoleForm({ role }: { readonly role: Known | undefined }) {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const form = useForm<Asked>({
    initialValues: {
      name: role?.name ?? "",
      description: role?.description ?? "",
      places: role && role.grants.length > 0 ? placesOf(role.grants) : [everywhere],
    },
    validate: {
      places: (places) => (grantsIn(places).length === 0 ? words.access.nothingTicked : null),
    },
  });
  useKept(form);
  const [seen, setSeen] = useState<Written | undefined>(undefined);
  const change = useChange(role);
  const why = can("role.update") ? undefined : words.common.notAllowed("role.update");
  const look = form.onSubmit(({ name, description, places }) => {
    const written = { name, description, grants: grantsIn(places) };
    change.look.mutate(written, { onSuccess: () => setSeen(written) });
  });
  const keep = (written: Written) =>
    change.keep.mutate(written, {
      onSuccess: ({ id }) => {
        setSeen(undefined);
        void navigate({ to: paths.role, params: { org: org.id, role: id } });
      },
    });
  const { places } = form.getValues();
  const trying = useTrying(role && { kind: "role", role: role.id, grants: grantsIn(places) });
  return (
    <form onSubmit={look}>
      <Stack gap="md" maw={960}>
        <TextInput label={words.common.name} required maw={480} {...form.getInputProps("name")} />
        <TextInput label={own.description} maw={720} {...form.getInputProps("description")} />
        {places.map((place, at) => (
          <PlaceFields key={at} form={form} place={place} at={at} isOnly={places.length === 1} />
        ))}
        {form.errors["places"] !== undefined && <div role="alert">{form.errors["places"]}</div>}
        <Group>
          <Button
            variant="default"
            onClick={() => form.insertListItem("places", { ...everywhere, scope: "application" })}
          >
            {own.elsewhere}
          </Button>
        </Group>
        {change.look.error && <ProblemNotice error={change.look.error} />}
        <Group>
          <Press
            type="submit"
            why={why ?? (role && !form.isDirty() ? words.common.unchanged : undefined)}
            loading={change.look.isPending}
          >
            {own.look}
          </Press>
          {role && <TryButton trying={trying} isGood={() => !form.validate().hasErrors} />}
        </Group>
        <Tried trying={trying} />
      </Stack>
      <RoleChange
        written={seen}
        before={role}
        difference={change.look.data}
        error={change.keep.error}
        isPending={change.keep.isPending}
        keep={keep}
        close={() => {
          change.keep.reset();
          setSeen(undefined);
        }}
      />
    </form>
  );
}

/** What may be done in one place, by what it is about. */
function PlaceFields({
  form,
  place,
  at,
  isOnly,
}: {
  readonly form: Form;
  readonly place: Place;
  readonly at: number;
  readonly isOnly: boolean;
}) {
  const org = useOrg();
  const can = useCan();
  const { data: applications } = useQuery({
    queryKey: ["applications", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listApplications, { query: { limit: 1_000 }, signal }),
  });
  const field = (name: keyof Place) => form.getInputProps(`places.${at}.${name}`);
  const { scope, actions: ticked } = place;
  return (
    <Fieldset legend={own.place(at + 1)}>
      <Stack gap="sm">
        <Group align="flex-end">
          <NativeSelect
            label={words.access.where}
            data={Object.entries(words.access.wheres).map(([value, label]) => ({ value, label }))}
            {...field("scope")}
          />
          {scope === "application" && (
            <NativeSelect
              label={words.access.application}
              required
              data={[
                { value: "", label: "" },
                ...(applications?.items ?? []).map(({ id, name }) => ({ value: id, label: name })),
              ]}
              {...field("application")}
            />
          )}
          {scope === "tag" && (
            <TextInput label={words.access.tagLabel} required placeholder="floor=3" {...field("tag")} />
          )}
          {!isOnly && (
            <Button
              variant="default"
              onClick={() => form.removeListItem("places", at)}
              aria-label={`${own.drop}: ${own.place(at + 1)}`}
            >
              {own.drop}
            </Button>
          )}
        </Group>
        {scope === "devices" && (
          <Textarea label={words.access.devicesLabel} required autosize minRows={2} {...field("devices")} />
        )}
        <Checkbox.Group label={words.access.grants} description={words.access.grantsHint} {...field("actions")}>
          <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="md" mt="xs">
            {[...bySubject(scope)].map(([subject, some]) => (
              <Stack key={subject} gap={6} role="group" aria-label={own.subjects(subject)}>
                <strong>{own.subjects(subject)}</strong>
                {some.map((action) => (
                  <Tick
                    key={action}
                    value={action}
                    label={action}
                    why={can(action) || ticked.includes(action) ? undefined : words.common.notAllowed(action)}
                  />
                ))}
              </Stack>
            ))}
          </SimpleGrid>
        </Checkbox.Group>
      </Stack>
    </Fieldset>
  );
}
