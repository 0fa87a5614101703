import { Text } from "@mantine/core";
import { locationOf, onEarth, WorldMap, type Mark } from "../map/index.ts";
import { Scroll } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { useBoard, type Board, type Pictured } from "./data.ts";
import { Nothing } from "./nothing.tsx";
import { titleOf, type Of } from "./of.ts";
import { said } from "./said.ts";

const own = words.map;

/** Where devices are. */
export function MapWidget({ widget }: { readonly widget: Of<"map"> }) {
  const board = useBoard();
  const devices = board.devicesOf(widget.id);
  const placed = devices.flatMap((device): Mark[] => {
    const at = placeOf(board, widget, device);
    const { id, name } = device;
    return at ? [{ id, name, isOnline: board.isOnline(device), x: at.longitude, y: -at.latitude }] : [];
  });
  if (devices.length === 0) return <Nothing>{words.dashboards.nobody}</Nothing>;
  return (
    <div className="hf-board-fill hf-column">
      <WorldMap title={titleOf(widget)} marks={placed} />
      <details className="hf-board-numbers">
        <summary>
          {own.places}
          {placed.length < devices.length ? ` · ${own.unplaced(devices.length - placed.length)}` : ""}
        </summary>
        <Places board={board} placed={placed} attributes={widget.attributes} title={titleOf(widget)} />
      </details>
    </div>
  );
}

const placeOf = ({ newest }: Board, { at }: Of<"map">, { id }: Pictured) =>
  "location" in at
    ? locationOf(newest(id, at.location)?.value)
    : onEarth(newest(id, at.latitude)?.value, newest(id, at.longitude)?.value);

function Places({
  board,
  placed,
  attributes,
  title,
}: {
  readonly board: Board;
  readonly placed: readonly Mark[];
  readonly attributes: readonly string[];
  readonly title: string;
}) {
  return (
    <Scroll label={`${own.places}: ${title}`}>
      <table className="hf-table">
        <thead>
          <tr>
            {[words.dashboards.device, own.latitude, own.longitude, ...attributes].map((head) => (
              <th scope="col" key={head}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {placed.map(({ id, name, x, y }) => (
            <tr key={id}>
              <th scope="row">{name}</th>
              <td>{(-y).toFixed(4)}</td>
              <td>{x.toFixed(4)}</td>
              {attributes.map((attribute) => (
                <td key={attribute}>{said(board.newest(id, attribute)?.value)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <Text fz="xs" c="var(--hf-dim)" p={4}>
        {own.outline}
      </Text>
    </Scroll>
  );
}
