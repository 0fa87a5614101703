import { Moment } from "../kit/index.ts";
import { DeviceName } from "../naming/index.ts";
import { words } from "../words/index.ts";
import type { Task } from "./task.ts";

const own = words.groups.tasks;

/** Who has it, and until when. */
export function Holder({ task: { holder, until } }: { readonly task: Task }) {
  if (holder === undefined) return own.nobody;
  return (
    <>
      <DeviceName id={holder} />
      {until !== undefined && (
        <>
          {` ${own.until} `}
          <Moment at={until} />
        </>
      )}
    </>
  );
}
