import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { dashboardFileOf, routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useMemo, useRef } from "react";
import { apiFor } from "../api/index.ts";
import { Confirm, EntityId, Page, paths, Press, save } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { ButtonLink } from "./button-link.tsx";
import { Board } from "./board.tsx";
import { dashboardQuery, type Asking } from "./data.ts";
import { Share } from "./share.tsx";

const own = words.dashboards;

/** As a member of the organisation of this page. */
export function useAsking(): Asking {
  const { id } = useOrg();
  return useMemo(() => ({ client: apiFor(id), key: id }), [id]);
}

/** One dashboard, to look at. */
export function DashboardPage() {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const asking = useAsking();
  const { dashboard: id = "" } = useParams({ strict: false });
  const { data: dashboard } = useSuspenseQuery(dashboardQuery(asking, id));
  const frame = useRef<HTMLDivElement>(null);
  const [isEnding, ending] = useDisclosure(false);
  const [isSharing, sharing] = useDisclosure(false);
  const params = { org: org.id, dashboard: id };
  const unless = (action: string) => (can(action) ? undefined : words.common.notAllowed(action));
  const file = `${dashboard.name.replaceAll(/[^\p{L}\p{N}]+/gu, "-").toLowerCase()}.json`;
  return (
    <Page
      title={dashboard.name}
      lead={
        <>
          {dashboard.description !== undefined && <div>{dashboard.description}</div>}
          <EntityId id={id} />
        </>
      }
      actions={
        <>
          <Button variant="default" onClick={() => void frame.current?.requestFullscreen()}>
            {own.fullScreen}
          </Button>
          <Button variant="default" onClick={() => save(file, "application/json", dashboardFileOf(dashboard))}>
            {own.export}
          </Button>
          <Press variant="default" onClick={sharing.open} why={unless("dashboard.share")}>
            {own.share.open}
          </Press>
          <Press variant="default" onClick={ending.open} why={unless("dashboard.delete")}>
            {own.remove}
          </Press>
          {can("dashboard.update") ? (
            <ButtonLink to={paths.editDashboard} params={params}>
              {own.edit}
            </ButtonLink>
          ) : (
            <Press why={unless("dashboard.update")}>{own.edit}</Press>
          )}
        </>
      }
    >
      <Board asking={asking} dashboard={dashboard} frame={frame} />
      {isSharing && <Share dashboard={dashboard} close={sharing.close} />}
      <Confirm
        opened={isEnding}
        close={ending.close}
        title={own.remove}
        label={own.remove}
        name={dashboard.name}
        act={async () => {
          await asking.client.call(routes.deleteDashboard, { params });
          await navigate({ to: paths.dashboards, params: { org: org.id } });
        }}
      >
        {own.removeHint}
      </Confirm>
    </Page>
  );
}
