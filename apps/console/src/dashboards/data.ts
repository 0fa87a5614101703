import type { Client, LiveEvent, Reply } from "@holdfast/client";
import { routes, type Widget } from "@holdfast/protocol";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useMemo, useState } from "react";
import { queryClient } from "../api/index.ts";
import { follow } from "../live/index.ts";

export type Dashboard = Reply<typeof routes.readDashboard>;
type Picture = Reply<typeof routes.readDashboardDevices>;
export type Pictured = Picture["devices"][number];

/** Through whom a board asks: a person in an organisation, or whoever has a link. `key` keeps their answers apart. */
export type Asking = { readonly client: Client; readonly key: string };

export type Point = { readonly time: number; readonly value: unknown };
type Arrived = Point & { readonly device: string; readonly attribute: string; readonly heardAt: number };

export type Board = Asking & {
  readonly dashboard: Dashboard;
  readonly deviceOf: (id: string) => Pictured | undefined;
  /** The devices of a source of a widget, by its place in the widget. */
  readonly devicesOf: (widget: string, source?: number) => readonly Pictured[];
  readonly newest: (device: string, attribute: string) => Point | undefined;
  readonly isOnline: (device: Pictured) => boolean | undefined;
  readonly arrived: readonly Arrived[];
  /** How often the stream has begun. */
  readonly begun: number;
  readonly state: "connecting" | "live" | "away" | "refused";
};

const Boards = createContext<Board | undefined>(undefined);
export const BoardProvider = Boards;

export function useBoard(): Board {
  const board = useContext(Boards);
  if (!board) throw new Error("a widget stands on a board");
  return board;
}

const every = 15_000; // milliseconds
const mostArrived = 4_000;
/** As many as one stream names; for more the whole stream is heard. */
const mostNamed = 60;

export const dashboardQuery = ({ client, key }: Asking, id: string) => ({
  queryKey: ["dashboard", key, id],
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    client.call(routes.readDashboard, { params: { dashboard: id }, signal }),
  staleTime: Number.POSITIVE_INFINITY, // its picture says when there is another
});

type Live = Pick<Board, "arrived" | "begun" | "state"> & {
  readonly presence: ReadonlyMap<string, boolean>;
  readonly values: ReadonlyMap<string, Point>;
};
const nothing: Live = { arrived: [], begun: 0, state: "connecting", presence: new Map(), values: new Map() };

type Shows = {
  /** Everything that may be heard is what is shown. */
  readonly all: boolean;
  /** Widgets that are not saved yet. */
  readonly draft: readonly Widget[] | undefined;
};

/** What a dashboard shows, live. */
export function useBoardOf({ client, key }: Asking, dashboard: Dashboard, { all, draft }: Shows) {
  const params = { dashboard: dashboard.id };
  // Where they stand changes nothing of what they show.
  const widgets = draft?.map((widget) => ({ ...widget, place: { x: 0, y: 0, w: 1, h: 1 } }));
  const picture = useQuery({
    queryKey: ["dashboard-devices", key, dashboard.id, JSON.stringify(widgets)],
    queryFn: ({ signal }) =>
      widgets
        ? client.call(routes.previewDashboard, { params, body: { widgets }, signal })
        : client.call(routes.readDashboardDevices, { params, signal }),
    refetchInterval: every,
    placeholderData: keepPreviousData,
  });
  // Whoever edits is asked about another version when she saves.
  const version = draft ? undefined : picture.data?.version;
  useEffect(() => {
    if (version !== undefined && version > dashboard.version)
      void queryClient.invalidateQueries({ queryKey: ["dashboard", key, dashboard.id] });
  }, [version, dashboard.version, key, dashboard.id]);
  const devices = picture.data?.devices;
  const ids = useMemo(() => (devices ?? []).map(({ id }) => id).toSorted(), [devices]);
  const live = useLive(client, ids.join(","), all);
  const board = useMemo((): Board => {
    const byId = new Map((picture.data?.devices ?? []).map((device) => [device.id as string, device]));
    const sources = new Map((picture.data?.widgets ?? []).map((one) => [one.id, one.sources]));
    return {
      client,
      key,
      dashboard,
      deviceOf: (id) => byId.get(id),
      devicesOf: (widget, source = 0) => (sources.get(widget)?.[source] ?? []).flatMap((id) => byId.get(id) ?? []),
      newest: (device, attribute) => {
        const heard = live.values.get(`${device} ${attribute}`);
        const read = byId.get(device)?.latest.find((one) => one.attribute === attribute);
        const point = read && { time: Date.parse(read.time), value: read.value };
        return heard && (!point || heard.time >= point.time) ? heard : point;
      },
      isOnline: ({ id, presence }) => presence && (live.presence.get(id) ?? presence.state === "online"),
      arrived: live.arrived,
      begun: live.begun,
      state: live.state,
    };
  }, [client, key, dashboard, picture.data, live]);
  return { board, picture };
}

function useLive(client: Client, ids: string, all: boolean): Live {
  const [live, setLive] = useState<Live>(nothing);
  useEffect(() => {
    if (ids === "") return undefined;
    const ending = new AbortController();
    const { signal } = ending;
    let waiting: (LiveEvent & { readonly heardAt: number })[] = [];
    // Many may come between two pictures; the board is drawn once for all of them.
    const flush = setInterval(() => {
      if (waiting.length === 0) return;
      const fresh = waiting;
      waiting = [];
      setLive((before) => withHeard(before, fresh));
    }, 200);
    const turn = (state: Live["state"]) => setLive((before) => ({ ...before, state }));
    const named = ids.split(",").length > mostNamed || all ? {} : { devices: ids };
    void follow(client, named, {
      signal,
      onOpen: () => setLive((before) => ({ ...before, state: "live", begun: before.begun + 1 })),
      hear: (event) => void waiting.push({ ...event, heardAt: Date.now() }),
      away: () => turn("away"),
      refused: () => {
        turn("refused");
        // A link that is over says so on the page.
        void queryClient.invalidateQueries({ queryKey: ["dashboard-devices"] });
      },
    });
    return () => {
      ending.abort();
      clearInterval(flush);
    };
  }, [client, ids, all]);
  return live;
}

function withHeard(before: Live, fresh: readonly (LiveEvent & { readonly heardAt: number })[]): Live {
  const presence = new Map(before.presence);
  const values = new Map(before.values);
  const arrived: Arrived[] = [];
  for (const event of fresh) {
    if (event.type === "presence" && (event.data.state === "online" || event.data.state === "offline"))
      presence.set(event.data.device, event.data.state === "online");
    if (event.type !== "reading") continue;
    const { device } = event.data;
    const time = Date.parse(event.data.time);
    for (const [attribute, value] of Object.entries(event.data.values)) {
      arrived.push({ device, attribute, time, value, heardAt: event.heardAt });
      const name = `${device} ${attribute}`;
      if (time >= (values.get(name)?.time ?? Number.NEGATIVE_INFINITY)) values.set(name, { time, value });
    }
  }
  return { ...before, presence, values, arrived: [...before.arrived, ...arrived].slice(-mostArrived) };
}
