import { Button, Checkbox, Group, Modal, NativeSelect, Progress, Stack, Text, TextInput } from "@mantine/core";
import { exportFormats, exportPointsHeader, routes, type ExportFormat } from "@holdfast/protocol";
import { useRef, useState } from "react";
import { apiFor } from "../api/index.ts";
import { Press, ProblemNotice, save, useTimeZone } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Device } from "./frame.tsx";

const own = words.device.telemetry.exporting;

/** Pieces of a file are handed to the browser in blobs of this size, so that a page does not hold all of it. */
const blobBytes = 8 * 1024 * 1024;

type Running = { readonly points: number; readonly bytes: number; readonly lines: number };

/** Every point of a device as a file: what, how far back, and in which form. */
export function Export({
  device,
  attributes,
  shown,
  from,
}: {
  readonly device: Device;
  readonly attributes: readonly string[];
  /** On the chart at the moment. */
  readonly shown: readonly string[];
  /** Where the chart begins. */
  readonly from: number;
}) {
  const [isOpen, setOpen] = useState(false);
  const { zone } = useTimeZone();
  return (
    <>
      <Button variant="default" onClick={() => setOpen(true)}>
        {own.open}
      </Button>
      <Modal
        opened={isOpen}
        onClose={() => setOpen(false)}
        title={own.title}
        closeButtonProps={{ "aria-label": words.common.close }}
      >
        <Wanted device={device} attributes={attributes} shown={shown} from={written(from, zone)} />
      </Modal>
    </>
  );
}

function Wanted({
  device,
  attributes,
  shown,
  from: first,
}: {
  readonly device: Device;
  readonly attributes: readonly string[];
  readonly shown: readonly string[];
  readonly from: string;
}) {
  const org = useOrg();
  const { zone } = useTimeZone();
  const [chosen, setChosen] = useState<readonly string[]>(shown.length > 0 ? shown : attributes);
  const [from, setFrom] = useState(first);
  const [to, setTo] = useState("");
  const [format, setFormat] = useState<ExportFormat>("csv");
  const [running, setRunning] = useState<Running | undefined>(undefined);
  const [done, setDone] = useState<string | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const stop = useRef<AbortController | undefined>(undefined);

  const begin = async () => {
    const controller = new AbortController();
    stop.current = controller;
    setError(undefined);
    setDone(undefined);
    setRunning({ points: 0, bytes: 0, lines: 0 });
    const body = {
      devices: [device.id],
      attributes: [...chosen],
      from: instantOf(from, zone),
      ...(to !== "" && { to: instantOf(to, zone) }),
      format,
    };
    try {
      const { signal } = controller;
      const { name, blob } = await fetched({ org: org.id, device, body, signal, tell: setRunning });
      save(name, blob.type, blob);
      setDone(own.done(name, blob.size));
    } catch (problem) {
      if (!controller.signal.aborted) setError(problem);
    }
    setRunning(undefined);
  };

  const percent =
    running && format !== "parquet" && running.points > 0
      ? Math.min(99, Math.floor((100 * running.lines) / running.points))
      : undefined;
  return (
    <Stack gap="sm">
      <Checkbox.Group label={own.attributes} value={[...chosen]} onChange={setChosen}>
        <Group gap="md" mt={4}>
          {attributes.map((name) => (
            <Checkbox key={name} value={name} label={name} />
          ))}
        </Group>
      </Checkbox.Group>
      <TextInput
        label={own.from}
        description={own.zone(zone)}
        type="datetime-local"
        required
        value={from}
        onChange={(event) => setFrom(event.currentTarget.value)}
      />
      <TextInput
        label={own.to}
        description={own.toHint}
        type="datetime-local"
        value={to}
        onChange={(event) => setTo(event.currentTarget.value)}
      />
      <NativeSelect
        label={own.format}
        value={format}
        data={exportFormats.map((value) => ({ value, label: own.formats[value] }))}
        onChange={(event) => setFormat(exportFormats.find((one) => one === event.currentTarget.value) ?? "csv")}
      />
      {error !== undefined && <ProblemNotice error={error} />}
      {running ? (
        <Group gap="xs">
          {percent !== undefined && <Progress flex={1} value={percent} aria-label={own.title} />}
          <Text fz="sm" role="status">
            {own.progress(running.points, running.bytes, percent)}
          </Text>
          <Button variant="default" size="compact-sm" onClick={() => stop.current?.abort()}>
            {own.stop}
          </Button>
        </Group>
      ) : (
        <Press why={chosen.length === 0 || from === "" ? own.attributes : undefined} onClick={() => void begin()}>
          {own.start}
        </Press>
      )}
      {done !== undefined && (
        <Text fz="sm" role="status">
          {done}
        </Text>
      )}
    </Stack>
  );
}

/** The whole file, or an error: a part is not kept. */
async function fetched({
  org,
  device,
  body,
  signal,
  tell,
}: {
  readonly org: string;
  readonly device: Device;
  readonly body: Parameters<typeof downloadOf>[1];
  readonly signal: AbortSignal;
  readonly tell: (running: Running) => void;
}): Promise<{ name: string; blob: Blob }> {
  let points = 0;
  const chunks = downloadOf(org, body, signal, (header) => (points = Number(header(exportPointsHeader) ?? 0)));
  const blobs: Blob[] = [];
  let waiting: Uint8Array<ArrayBuffer>[] = [];
  let [bytes, lines, held] = [0, 0, 0];
  for await (const chunk of chunks) {
    bytes += chunk.length;
    held += chunk.length;
    for (const byte of chunk) if (byte === 0x0a) lines += 1;
    waiting.push(new Uint8Array(chunk));
    if (held >= blobBytes) {
      blobs.push(new Blob(waiting));
      [waiting, held] = [[], 0];
    }
    tell({ points, bytes, lines });
  }
  const type = routes.exportTelemetry.media[exportFormats.indexOf(body.format)] ?? "";
  return { name: `${device.name}.${body.format}`, blob: new Blob([...blobs, ...waiting], { type }) };
}

const downloadOf = (
  org: string,
  body: { devices: Device["id"][]; attributes: string[]; from: number; to?: number; format: ExportFormat },
  signal: AbortSignal,
  onOpen: (header: (name: string) => string | undefined) => void,
) => apiFor(org).download(routes.exportTelemetry, { body, signal }, onOpen);

/** As the field has it: to the minute, in the person's zone. */
const written = (time: number, zone: "local" | "utc"): string => {
  const shift = zone === "utc" ? 0 : new Date(time).getTimezoneOffset() * 60_000;
  return new Date(time - shift).toISOString().slice(0, 16);
};

const instantOf = (text: string, zone: "local" | "utc"): number => Date.parse(zone === "utc" ? `${text}Z` : text);
