import { parseId } from "@holdfast/kernel";
import { routes, type AlertState } from "@holdfast/protocol";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { apiFor, useList } from "../api/index.ts";
import {
  columnsOf,
  DataTable,
  EntityId,
  Listing,
  Moment,
  ProblemNotice,
  Slow,
  StateMark,
  useShown,
} from "../kit/index.ts";
import { PersonName } from "../naming/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { About } from "./about.tsx";
import { Acknowledge, useAcknowledging } from "./acknowledge.tsx";
import { AlertDialog } from "./alert-dialog.tsx";
import { whatOf, type Alert } from "./alert.ts";
import { useRules } from "./asked.ts";

const own = words.alerts;
const every = 4_000; // milliseconds: they are raised and cleared by themselves

/** Alerts, newest first, as they come and go: of the organisation, or of one device. */
export function AlertList({
  state,
  device,
  empty,
}: {
  readonly state?: AlertState | "open" | undefined;
  readonly device?: string | undefined;
  readonly empty: ReactNode;
}) {
  const org = useOrg();
  const shown = useShown();
  const acknowledging = useAcknowledging();
  const rules = useRules().data;
  const ruleOf = ({ rule }: Alert) => {
    if (rule === undefined || !rules) return "";
    if (rules.altered?.includes(rule)) return own.alteredRule;
    return rules.items.find(({ id }) => id === rule)?.name ?? own.goneRule;
  };
  const list = useList(
    ["alerts", org.id, state, device],
    (cursor, signal) =>
      apiFor(org.id).call(routes.listAlerts, {
        query: {
          cursor,
          limit: 100,
          ...(state !== undefined && { state }),
          ...(device !== undefined && { device: parseId("device", device) }),
        },
        signal,
      }),
    every,
  );
  const columns = columnsOf<Alert>([
    { id: "state", head: words.common.state, width: 124, cell: (alert) => <StateMark state={alert.state} /> },
    {
      id: "what",
      head: own.what,
      width: 128,
      cell: (alert) => (
        <Link to="." search={{ ...shown, open: alert.id }}>
          {whatOf(alert)}
        </Link>
      ),
    },
    { id: "about", head: own.about, width: 150, grows: true, cell: (alert) => <About alert={alert} /> },
    {
      id: "acknowledge",
      head: own.seesToIt,
      width: 150,
      grows: true,
      cell: (alert) =>
        alert.acknowledgedBy !== undefined ? (
          <PersonName id={alert.acknowledgedBy} />
        ) : alert.state === "raised" ? (
          <Acknowledge alert={alert} act={acknowledging} isInRow />
        ) : (
          own.nobodyDid
        ),
    },
    { id: "raised", head: own.raised, width: 100, cell: ({ raisedAt }) => <Moment at={raisedAt} /> },
    {
      id: "cleared",
      head: own.cleared,
      width: 100,
      cell: ({ clearedAt }) => (clearedAt === undefined ? own.notYet : <Moment at={clearedAt} />),
    },
    { id: "because", head: own.because, width: 160, grows: true, cell: ({ because = "" }) => because },
    { id: "rule", head: own.rule, width: 110, grows: true, cell: ruleOf },
    { id: "id", head: words.common.id, width: 276, cell: ({ id }) => <EntityId id={id} /> },
  ]);
  return (
    <>
      {acknowledging.error && <ProblemNotice error={acknowledging.error} />}
      {list.isOld && <Slow />}
      <Listing list={list} empty={empty}>
        <DataTable label={words.places.alerts} {...list} columns={columns} idOf={({ id }) => id} nameOf={whatOf} />
      </Listing>
      {shown.open !== undefined && <AlertDialog id={shown.open} ruleOf={ruleOf} />}
    </>
  );
}
