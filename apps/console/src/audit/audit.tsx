import { Button, Group, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useNavigate } from "@tanstack/react-router";
import { Entries } from "../entries/index.ts";
import { Page, useShown } from "../kit/index.ts";
import { words } from "../words/index.ts";

const own = words.audit;

/** What happened, newest first; about one thing, when its id is given. */
export function Audit() {
  const navigate = useNavigate();
  const { q } = useShown();
  const form = useForm({ initialValues: { about: q ?? "" } });
  const show = (about: string) => void navigate({ to: ".", search: about === "" ? {} : { q: about } });
  return (
    <Page title={words.places.audit} lead={own.lead}>
      <form onSubmit={form.onSubmit(({ about }) => show(about.trim()))}>
        <Group gap="xs" align="flex-end">
          <TextInput label={own.onlyAbout} placeholder="dev_…" w={320} {...form.getInputProps("about")} />
          <Button type="submit" variant="default">
            {own.show}
          </Button>
          {q !== undefined && (
            <Button
              variant="subtle"
              onClick={() => {
                form.setValues({ about: "" });
                show("");
              }}
            >
              {own.showAll}
            </Button>
          )}
        </Group>
      </form>
      <Entries label={words.places.audit} about={q} />
    </Page>
  );
}
