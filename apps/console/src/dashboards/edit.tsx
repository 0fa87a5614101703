import { Alert, Button, Checkbox, Group, Stack, TextInput } from "@mantine/core";
import { ApiProblem } from "@holdfast/client";
import { mostWidgets, roleNames, routes, type Role, type Widget } from "@holdfast/protocol";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { queryClient } from "../api/index.ts";
import { Page, paths, Press, ProblemNotice } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Arrange } from "./arrange.tsx";
import { Pictures } from "./board.tsx";
import { dashboardQuery, type Dashboard } from "./data.ts";
import { changed, draftOf, redone, undone } from "./draft.ts";
import { arranged, freePlace } from "./grid.ts";
import { titleOf } from "./of.ts";
import { useAsking } from "./page.tsx";
import { WidgetForm } from "./widget-form.tsx";

const own = words.dashboards.editor;
const sizes = {
  line: { w: 6, h: 5 },
  value: { w: 3, h: 2 },
  gauge: { w: 3, h: 4 },
  table: { w: 6, h: 4 },
  map: { w: 6, h: 6 },
  status: { w: 3, h: 4 },
} as const;

/** One dashboard, to change. */
export function EditDashboard() {
  const asking = useAsking();
  const { dashboard: id = "" } = useParams({ strict: false });
  const { data } = useSuspenseQuery(dashboardQuery(asking, id));
  const [base, setBase] = useState<Dashboard>(data);
  // Another version that comes meanwhile is somebody else's: it is asked about when this one is saved.
  return <Editor key={base.version} dashboard={base} take={setBase} />;
}

type Change = {
  readonly name?: string;
  readonly description?: string;
  readonly widgets?: Widget[];
  readonly roles?: Role[] | null;
};

function Editor({ dashboard, take }: { readonly dashboard: Dashboard; readonly take: (next: Dashboard) => void }) {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const asking = useAsking();
  const [draft, setDraft] = useState(() => draftOf(dashboard.widgets));
  const [name, setName] = useState(dashboard.name);
  const [description, setDescription] = useState(dashboard.description ?? "");
  const [roles, setRoles] = useState<readonly Role[]>(dashboard.roles ?? []);
  const [editing, setEditing] = useState<Widget | "new" | undefined>(undefined);
  const [said, say] = useState("");
  const [error, setError] = useState<unknown>(undefined);
  const [isBusy, setBusy] = useState(false);
  const params = { dashboard: dashboard.id };
  const toBoard = () => void navigate({ to: paths.dashboard, params: { org: org.id, ...params } });
  const before = (dashboard.roles ?? []).join(" ");
  const wanted: Change = {
    ...(name !== dashboard.name && { name }),
    ...(description !== (dashboard.description ?? "") && { description }),
    ...(draft.widgets !== dashboard.widgets && { widgets: [...draft.widgets] }),
    ...(roles.join(" ") !== before && { roles: roles.length > 0 ? [...roles] : null }),
  };
  const isDirty = Object.keys(wanted).length > 0;
  const send = async (version: number) => {
    setBusy(true);
    setError(undefined);
    try {
      const next = await asking.client.call(routes.updateDashboard, { params, body: wanted, ifVersion: version });
      queryClient.setQueryData(dashboardQuery(asking, dashboard.id).queryKey, next);
      await queryClient.invalidateQueries({ queryKey: ["dashboard-devices", asking.key, dashboard.id] });
      await queryClient.invalidateQueries({ queryKey: ["dashboards", org.id] });
      toBoard();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const theirs = () => asking.client.call(routes.readDashboard, { params });
  const change = (widgets: readonly Widget[], spoken: string) => {
    setDraft((now) => changed(now, widgets));
    say(spoken);
  };
  const undo = () => {
    if (draft.past.length > 0) say(own.undone);
    setDraft(undone);
  };
  const redo = () => {
    if (draft.future.length > 0) say(own.redone);
    setDraft(redone);
  };
  useUndoKeys(undo, redo);
  const put = (widget: Widget) => {
    const isNew = !draft.widgets.some(({ id }) => id === widget.id);
    const place = isNew ? freePlace(draft.widgets, sizes[widget.type]) : widget.place;
    const next = isNew
      ? [...draft.widgets, { ...widget, place }]
      : arranged(
          draft.widgets.map((one) => (one.id === widget.id ? widget : one)),
          widget.id,
          place,
        );
    change(next, own.added(titleOf(widget)));
    setEditing(undefined);
  };
  const isConflict = error instanceof ApiProblem && error.code === "request.conflict";
  const isFull = draft.widgets.length >= mostWidgets;
  return (
    <Page
      title={own.title(dashboard.name)}
      lead={own.lead}
      actions={
        <>
          <Press variant="default" onClick={undo} why={draft.past.length > 0 ? undefined : own.nothingToUndo}>
            {own.undo}
          </Press>
          <Press variant="default" onClick={redo} why={draft.future.length > 0 ? undefined : own.nothingToRedo}>
            {own.redo}
          </Press>
          <Press variant="default" onClick={() => setEditing("new")} why={isFull ? own.full : undefined}>
            {own.addWidget}
          </Press>
          <Button variant="default" onClick={toBoard}>
            {isDirty ? own.leave : own.done}
          </Button>
          <Press
            onClick={() => void send(dashboard.version)}
            loading={isBusy}
            why={isDirty ? undefined : words.common.unchanged}
          >
            {words.common.save}
          </Press>
        </>
      }
    >
      <p role="status" className="hf-visually-hidden">
        {said}
      </p>
      {isConflict ? (
        <Alert role="alert" variant="outline" color="yellow" c="var(--hf-text)" title={own.conflict}>
          <Stack gap="xs">
            {own.conflictWhy}
            <Group gap="xs">
              <Button size="xs" loading={isBusy} onClick={() => void theirs().then(({ version }) => send(version))}>
                {own.keepMine}
              </Button>
              <Button size="xs" variant="default" onClick={() => void theirs().then(take)}>
                {own.takeTheirs}
              </Button>
            </Group>
          </Stack>
        </Alert>
      ) : (
        error !== undefined && <ProblemNotice error={error} />
      )}
      <details>
        <summary>{own.settings}</summary>
        <Stack gap="sm" maw={640} py="sm">
          <TextInput
            label={words.common.name}
            required
            maxLength={200}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label={own.description}
            maxLength={400}
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
          <Roles
            roles={roles}
            change={setRoles}
            why={can("dashboard.share") ? undefined : words.common.notAllowed("dashboard.share")}
          />
        </Stack>
      </details>
      <Pictures asking={asking} dashboard={dashboard} draft={draft.widgets}>
        <Arrange draft={draft} setDraft={setDraft} change={change} say={say} edit={setEditing} />
      </Pictures>
      {editing !== undefined && (
        <WidgetForm
          widget={editing === "new" ? undefined : editing}
          all={draft.widgets}
          put={put}
          close={() => setEditing(undefined)}
        />
      )}
    </Page>
  );
}

/** Who sees it: the roles that every organisation has, and its own. */
function Roles({
  roles,
  change,
  why,
}: {
  readonly roles: readonly Role[];
  readonly change: (roles: readonly Role[]) => void;
  readonly why: string | undefined;
}) {
  const asking = useAsking();
  const { data } = useQuery({
    queryKey: ["roles", asking.key],
    queryFn: ({ signal }) => asking.client.call(routes.listRoles, { signal }),
  });
  const all = data?.items ?? roleNames.map((id) => ({ id, name: id as string }));
  return (
    <Checkbox.Group
      label={own.roles}
      description={why ?? own.rolesHint}
      value={[...roles]}
      onChange={(chosen) => change(all.flatMap(({ id }) => (chosen.includes(id) ? [id] : [])))}
    >
      <Group gap="md" mt={4}>
        {all.map(({ id, name }) => (
          <Checkbox key={id} value={id} label={name} disabled={why !== undefined} />
        ))}
      </Group>
    </Checkbox.Group>
  );
}

/** Control and Z, as everywhere; where somebody types they are the field's. */
function useUndoKeys(undo: () => void, redo: () => void): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
      if (isTyping || !(event.ctrlKey || event.metaKey)) return;
      const key = event.key.toLowerCase();
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      if (key === "y" || event.shiftKey) redo();
      else undo();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  });
}
