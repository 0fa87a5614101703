import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { Empty, Moment, ProblemNotice } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { DeviceFrame, useDevice, type Device } from "./frame.tsx";
import { useLive, type Heard } from "../live/index.ts";

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
  const missed = held ? live.events.length - held.length : 0;
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
        {held ? own.paused(missed) : own.states[live.state]}
      </Text>
      {live.state === "refused" && <ProblemNotice error={live.error} />}
      {shown.length === 0 ? (
        <Empty>{own.empty}</Empty>
      ) : (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- whoever has no mouse scrolls it by keys
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
  if (event.type === "end") return null;
  const { transport, size, topic, session } = event.data;
  const way = [transport, topic, size === undefined ? undefined : own.bytes(size), session]
    .filter((part) => part !== undefined)
    .join(" · ");
  if (event.type === "reading") {
    return (
      <li>
        <Moment at={event.data.time} exactly />
        <span className="hf-event-kind" style={{ color: "var(--hf-good)" }}>
          ● {own.reading}
        </span>
        <span>
          {Object.entries(event.data.values)
            .map(([name, value]) => `${name} = ${String(value)}`)
            .join(", ")}
        </span>
        <span className="hf-event-way">{way}</span>
      </li>
    );
  }
  const { at, code, title, detail, errors, because, omitted, action } = event.data;
  return (
    <li>
      <Moment at={at} exactly />
      <span className="hf-event-kind" style={{ color: "var(--hf-bad)" }}>
        ✕ {own.refused}
      </span>
      <span>
        <strong>{action}</strong>: {title} {detail}{" "}
        {errors?.map(({ path, message }) => `${path}: ${message}`).join("; ")}
        {because !== undefined && ` (${because})`} {omitted !== undefined && own.omitted(omitted)}
      </span>
      <span className="hf-event-way">
        {code} · {way}
      </span>
    </li>
  );
}
