import { StateMark } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { useBoard } from "./data.ts";
import { Nothing } from "./nothing.tsx";
import type { Of } from "./of.ts";

const own = words.dashboards;

/** Who is connected. */
export function StatusWidget({ widget }: { readonly widget: Of<"status"> }) {
  const { devicesOf, isOnline } = useBoard();
  const devices = devicesOf(widget.id);
  if (devices.length === 0) return <Nothing>{own.nobody}</Nothing>;
  const online = devices.filter((device) => isOnline(device)).length;
  return (
    <>
      <p className="hf-board-count">{own.connectedOf(online, devices.length)}</p>
      <ul className="hf-board-list">
        {devices.map((device) => (
          <li key={device.id}>
            <span>{device.name}</span>
            <StateMark state={isOnline(device) ? "online" : "offline"} />
          </li>
        ))}
      </ul>
    </>
  );
}
