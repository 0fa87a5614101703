import "./board.css";
import { Alert, Text } from "@mantine/core";
import type { Widget } from "@holdfast/protocol";
import type { ReactNode, Ref } from "react";
import { Empty, ProblemNotice, Slow } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { Body } from "./body.tsx";
import { BoardProvider, useBoardOf, type Asking, type Dashboard } from "./data.ts";
import { inOrder, type Place } from "./grid.ts";
import { titleOf } from "./of.ts";

const own = words.dashboards;

/** Where a widget stands; on a narrow screen the style sheet puts them below each other. */
export const placeStyle = ({ x, y, w, h }: Place) => ({
  gridColumn: `${x + 1} / span ${w}`,
  gridRow: `${y + 1} / span ${h}`,
});

/** All widgets of a dashboard, live. */
export function Board({
  asking,
  dashboard,
  all = false,
  frame,
}: {
  readonly asking: Asking;
  readonly dashboard: Dashboard;
  /** Everything that may be heard is what is shown. */
  readonly all?: boolean;
  readonly frame?: Ref<HTMLDivElement>;
}) {
  return (
    <Pictures asking={asking} dashboard={dashboard} all={all}>
      {dashboard.widgets.length === 0 ? (
        <Empty>{own.noWidgets}</Empty>
      ) : (
        <div className="hf-board" ref={frame}>
          {inOrder(dashboard.widgets).map((widget) => (
            <Framed key={widget.id} widget={widget} />
          ))}
        </div>
      )}
    </Pictures>
  );
}

function Framed({ widget }: { readonly widget: Widget }) {
  const title = titleOf(widget);
  return (
    <section className="hf-widget" style={placeStyle(widget.place)} aria-label={title}>
      <h2>{title}</h2>
      <Body widget={widget} />
    </section>
  );
}

/** What widgets are drawn of. */
export function Pictures({
  asking,
  dashboard,
  all = false,
  draft,
  children,
}: {
  readonly asking: Asking;
  readonly dashboard: Dashboard;
  readonly all?: boolean;
  readonly draft?: readonly Widget[];
  readonly children: ReactNode;
}) {
  const { board, picture } = useBoardOf(asking, dashboard, { all, draft });
  if (picture.isPending) return <Slow />;
  if (!picture.data) return <ProblemNotice error={picture.error} retry={() => void picture.refetch()} />;
  return (
    <BoardProvider value={board}>
      {board.state === "away" && (
        <Alert variant="outline" color="yellow" c="var(--hf-text)">
          {own.away}
        </Alert>
      )}
      {picture.data.omitted > 0 && <Text fz="sm">{own.omitted(picture.data.omitted)}</Text>}
      {children}
    </BoardProvider>
  );
}
