import { Moment, Scroll } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { useBoard } from "./data.ts";
import { Nothing } from "./nothing.tsx";
import { titleOf, type Of } from "./of.ts";
import { said } from "./said.ts";

const own = words.dashboards;

/** The newest of many devices. */
export function TableWidget({ widget }: { readonly widget: Of<"table"> }) {
  const { devicesOf, newest } = useBoard();
  const devices = devicesOf(widget.id);
  if (devices.length === 0) return <Nothing>{own.nobody}</Nothing>;
  return (
    <Scroll label={own.numbersOf(titleOf(widget))}>
      <table className="hf-table">
        <thead>
          <tr>
            <th scope="col">{own.device}</th>
            {widget.attributes.map((name) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
            <th scope="col">{own.measured}</th>
          </tr>
        </thead>
        <tbody>
          {devices.map(({ id, name }) => {
            const points = widget.attributes.map((attribute) => newest(id, attribute));
            const last = Math.max(0, ...points.map((point) => point?.time ?? 0));
            return (
              <tr key={id}>
                <th scope="row">{name}</th>
                {points.map((point, at) => (
                  <td key={widget.attributes[at]}>{said(point?.value)}</td>
                ))}
                <td>{last > 0 ? <Moment at={new Date(last).toISOString()} /> : ""}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Scroll>
  );
}
