import { Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { apiFor, useAct } from "../api/index.ts";
import { RetentionCard } from "../retention/index.ts";
import { EntityId, Page, paths, SaveChanges } from "../kit/index.ts";
import { useCan, useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { DeleteOrganisation } from "./delete-organisation.tsx";
import { RemoveSimulation } from "./remove-simulation.tsx";

const own = words.settings;

/** The organisation itself, and the way to what keeps it safe. */
export function Settings() {
  const org = useOrg();
  const can = useCan();
  const { data } = useSuspenseQuery({
    queryKey: ["org", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readOrg, { signal }),
  });
  const form = useForm({ initialValues: { name: data.name } });
  useKept(form);
  const rename = useAct((body: { name: string }) => apiFor(org.id).call(routes.updateOrg, { body }));
  const why = can("org.update") ? undefined : words.common.notAllowed("org.update");
  return (
    <Page title={words.places.settings} lead={<EntityId id={data.id} />}>
      <form onSubmit={form.onSubmit((body) => rename.mutate(body))}>
        <Stack gap="sm" maw={480}>
          <TextInput label={own.name} required {...form.getInputProps("name")} />
          <SaveChanges why={why} isDirty={form.isDirty()} change={rename} />
        </Stack>
      </form>
      <RetentionCard whose={{}} />
      <p>
        <Link to={paths.providers} params={{ org: org.id }}>
          {own.toProviders}
        </Link>
      </p>
      <p>
        <Link to={paths.security} params={{ org: org.id }}>
          {own.toSecurity}
        </Link>
      </p>
      {org.isSimulated ? <RemoveSimulation /> : <DeleteOrganisation />}
    </Page>
  );
}
