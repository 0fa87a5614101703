import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { Fragment, useMemo, useState, type ReactNode } from "react";
import { Empty, Moment, ProblemNotice } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { DeviceFrame, useDevice, type Device } from "./frame.tsx";
import { reasonOf, useLive, type Heard } from "../live/index.ts";
import { Measured } from "./measured.tsx";

const own = words.device.live;

/** Every message and every refusal of a device as it happens, with its reason. */
export function DeviceLive() {
  const device = useDevice();
  return (
    <DeviceFrame device={device}>
      <Tail device={device} />
    </DeviceFrame>
  );
}

function Tail({ device }: { readonly device: Device }) {
  const org = useOrg();
  const live = useLive(org.id, device.id);
  const [held, setHeld] = useState<readonly Heard[] | undefined>(undefined);
  const [text, setText] = useState("");
  const [onlyRefused, setOnlyRefused] = useState(false);
  const events = held ?? live.events;
  const shown = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    return events
      .filter(({ type }) => type !== "end" && (!onlyRefused || type === "refused"))
      .filter((event) => wanted === "" || JSON.stringify(event.data).toLowerCase().includes(wanted))
      .slice(-300)
      .reverse();
  }, [events, text, onlyRefused]);
  const missed = (live.events.at(-1)?.number ?? 0) - (held?.at(-1)?.number ?? 0);
  return (
    <Stack gap="sm">
      <Group gap="xs" align="flex-end">
        <TextInput
          label={own.filter}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          flex={1}
          miw={200}
        />
        <Button
          variant={onlyRefused ? "filled" : "default"}
          aria-pressed={onlyRefused}
          onClick={() => setOnlyRefused(!onlyRefused)}
        >
          {own.onlyRefused}
        </Button>
        <Button
          variant={held ? "filled" : "default"}
          aria-pressed={held !== undefined}
          onClick={() => setHeld(held ? undefined : live.events)}
        >
          {held ? own.goOn : own.pause}
        </Button>
      </Group>
      <Text fz="sm" role="status" c={live.state === "live" ? "var(--hf-good)" : "var(--hf-warn)"}>
        {own.states[live.state]} {held && own.paused(missed)}
      </Text>
      {live.state === "refused" && <ProblemNotice error={live.error} />}
      {shown.length === 0 ? (
        <Empty>{own.empty}</Empty>
      ) : (
        <div
          className="hf-scroll"
          style={{ maxHeight: "calc(100dvh - 360px)", minHeight: 200 }}
          tabIndex={0}
          role="region"
          aria-label={own.label}
        >
          <ol className="hf-events" aria-label={own.label}>
            {shown.map((event) => (
              <Line key={event.number} event={event} />
            ))}
          </ol>
        </div>
      )}
    </Stack>
  );
}

function Line({ event }: { readonly event: Heard }) {
  switch (event.type) {
    case "reading": {
      const { time, values, marks } = event.data;
      return (
        <Row
          at={time}
          colour={marks ? "var(--hf-warn)" : "var(--hf-good)"}
          kind={marks ? `▲ ${own.marked}` : `● ${own.reading}`}
          way={wayOf(event.data)}
        >
          {Object.entries(values).map(([name, value], at) => (
            <Fragment key={name}>
              {at > 0 && ", "}
              {name} = <Measured value={value} mark={marks && Object.hasOwn(marks, name) ? marks[name] : undefined} />
            </Fragment>
          ))}
        </Row>
      );
    }
    case "refused": {
      const { at, code, omitted, action } = event.data;
      return (
        <Row at={at} colour="var(--hf-bad)" kind={`✕ ${own.refused}`} way={`${code} · ${wayOf(event.data)}`}>
          <strong>{action}</strong>: {reasonOf(event.data)} {omitted !== undefined && own.omitted(omitted)}
        </Row>
      );
    }
    case "presence": {
      const { at, state, because } = event.data;
      const look = presenceLook(state);
      return (
        <Row at={at} colour={look.colour} kind={look.kind}>
          {because}
        </Row>
      );
    }
    case "gap": {
      const { from, to } = event.data;
      return (
        <Row at={to} colour="var(--hf-warn)" kind={`‖ ${own.gap}`}>
          {own.gapSince} <Moment at={from} exactly />
        </Row>
      );
    }
    case "stranger":
    case "end":
      return null;
  }
}

function Row({
  at,
  colour,
  kind,
  way,
  children,
}: {
  readonly at: string;
  readonly colour: string;
  readonly kind: string;
  readonly way?: string;
  readonly children: ReactNode;
}) {
  return (
    <li>
      <Moment at={at} exactly />
      <span style={{ color: colour }}>{kind}</span>
      <span>{children}</span>
      {way !== undefined && <span className="hf-event-way">{way}</span>}
    </li>
  );
}

/** How it came: by what, on which topic, how large, in which session. */
function wayOf({
  transport,
  topic,
  size,
  session,
}: {
  readonly transport: string;
  readonly topic?: string | undefined;
  readonly size?: number | undefined;
  readonly session?: string | undefined;
}): string {
  return [transport, topic, size === undefined ? undefined : own.bytes(size), session]
    .filter((part) => part !== undefined)
    .join(" · ");
}

function presenceLook(state: string): { readonly colour: string; readonly kind: string } {
  if (state === "online") return { colour: "var(--hf-good)", kind: `● ${words.state.online}` };
  if (state === "silent" || state === "notReceiving" || state === "flapping")
    return { colour: "var(--hf-warn)", kind: `◐ ${words.state[state]}` };
  return { colour: "var(--hf-off)", kind: `○ ${words.state.offline}` };
}
