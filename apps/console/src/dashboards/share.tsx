import { Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, queryClient } from "../api/index.ts";
import { Moment, OnceDialog, ProblemNotice, Scroll, SecretOnce, Slow, StateMark } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Dashboard } from "./data.ts";

const own = words.dashboards.share;
const lasting = Object.entries(own.lasting).map(([value, label]) => ({ value, label }));

/** Links to a dashboard: made, seen, ended. */
export function Share({ dashboard, close }: { readonly dashboard: Dashboard; readonly close: () => void }) {
  const org = useOrg();
  const api = apiFor(org.id);
  const params = { dashboard: dashboard.id };
  const [link, setLink] = useState<string | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const [isBusy, setBusy] = useState(false);
  const form = useForm({ initialValues: { name: "", expiresIn: "7d" } });
  const act = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
      await queryClient.invalidateQueries({ queryKey: ["dashboard-links", org.id, dashboard.id] });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const make = form.onSubmit((body) =>
    act(async () => {
      const { path, secret = "" } = await api.call(routes.createDashboardLink, { params, body });
      setLink(`${window.location.origin}${path}#${secret}`);
    }),
  );
  const made = link !== undefined && <SecretOnce label={own.made} secret={link} file="dashboard-link.txt" />;
  return (
    <OnceDialog opened close={close} title={own.title(dashboard.name)} size="lg" made={made || undefined}>
      <Stack gap="md">
        <Text fz="sm">{own.lead}</Text>
        <form onSubmit={make}>
          <Group align="flex-end" gap="xs">
            <TextInput label={own.forWhom} required maxLength={200} data-autofocus {...form.getInputProps("name")} />
            <NativeSelect label={own.lasts} data={lasting} {...form.getInputProps("expiresIn")} />
            <Button type="submit" loading={isBusy}>
              {own.make}
            </Button>
          </Group>
        </form>
        {error !== undefined && <ProblemNotice error={error} />}
        <Links
          dashboard={dashboard}
          end={(id) =>
            void act(async () => {
              await api.call(routes.endDashboardLink, { params: { ...params, link: id } });
            })
          }
        />
      </Stack>
    </OnceDialog>
  );
}

type LinkRow = Reply<typeof routes.listDashboardLinks>["items"][number];

function Links({ dashboard, end }: { readonly dashboard: Dashboard; readonly end: (id: string) => void }) {
  const org = useOrg();
  const links = useQuery({
    queryKey: ["dashboard-links", org.id, dashboard.id],
    queryFn: ({ signal }) =>
      apiFor(org.id).call(routes.listDashboardLinks, { params: { dashboard: dashboard.id }, signal }),
  });
  if (links.isPending) return <Slow />;
  if (!links.data) return <ProblemNotice error={links.error} retry={() => void links.refetch()} />;
  if (links.data.items.length === 0) return <Text fz="sm">{own.none}</Text>;
  return (
    <Scroll label={own.links}>
      <table className="hf-table">
        <thead>
          <tr>
            <th scope="col">{own.forWhom}</th>
            <th scope="col">{words.common.state}</th>
            <th scope="col">{own.opened}</th>
            <th scope="col">{own.last}</th>
            <th scope="col">{own.expires}</th>
            <th scope="col">{words.common.actions}</th>
          </tr>
        </thead>
        <tbody>
          {links.data.items.map((link) => (
            <LinkLine key={link.id} link={link} end={() => end(link.id)} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

const LinkLine = ({ link, end }: { readonly link: LinkRow; readonly end: () => void }) => (
  <tr>
    <td>{link.name}</td>
    <td>
      <StateMark state={link.state} />
    </td>
    <td>{link.uses}</td>
    <td>{link.lastUsedAt === undefined ? words.common.never : <Moment at={link.lastUsedAt} />}</td>
    <td>{link.expiresAt !== undefined && <Moment at={link.expiresAt} />}</td>
    <td>
      {link.state === "active" && (
        <Button size="compact-xs" variant="default" aria-label={own.end(link.name)} onClick={end}>
          {own.endIt}
        </Button>
      )}
    </td>
  </tr>
);
