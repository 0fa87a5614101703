import { Button, Card, Group, List, Modal, Progress, Stack, Text, TextInput } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useRef, useState } from "react";
import { apiFor, queryClient } from "../api/index.ts";
import { told, Press } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Device } from "./devices.tsx";

const own = words.devices.bulk;

type Work = { readonly what: string; readonly act: (device: Device) => Promise<unknown> };
type Result = { readonly device: Device; readonly problem: string | undefined };

/** How many are asked for at the same time: quick, and far from the platform's limit for one credential. */
const atOnce = 6;

/** What can be done with all that are selected: each on its own, with a result of its own. */
export function Bulk({ devices, done }: { readonly devices: readonly Device[]; readonly done: () => void }) {
  const org = useOrg();
  const can = useCan();
  const [isTagging, setTagging] = useState(false);
  const [tag, setTag] = useState("");
  const [results, setResults] = useState<readonly Result[]>([]);
  const [running, setRunning] = useState<{ what: string; count: number } | undefined>(undefined);
  const isStopped = useRef(false);

  const run = async ({ what, act }: Work) => {
    const queue = [...devices];
    isStopped.current = false;
    setResults([]);
    setRunning({ what, count: queue.length });
    const worker = async () => {
      for (let device = queue.shift(); device && !isStopped.current; device = queue.shift()) {
        const now = device;
        const problem = await act(now).then(
          () => undefined,
          (error: unknown) => told(error).sentence,
        );
        setResults((before) => [...before, { device: now, problem }]);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    setRunning(undefined);
    await queryClient.invalidateQueries({ queryKey: ["devices", org.id] });
  };

  const api = apiFor(org.id);
  const suspend: Work = {
    what: own.suspend,
    act: ({ id }) => api.call(routes.suspendDevice, { params: { device: id } }),
  };
  const resume: Work = { what: own.resume, act: ({ id }) => api.call(routes.resumeDevice, { params: { device: id } }) };
  const tagWith = (key: string, value: string): Work => ({
    what: own.tag,
    act: ({ id, tags, version }) =>
      api.call(routes.updateDevice, {
        params: { device: id },
        body: { tags: { ...tags, [key]: value } },
        ifVersion: version,
      }),
  });
  if (devices.length === 0 && !running && results.length === 0) return null;

  const isBusy = running !== undefined ? own.isRunning : undefined;
  const why = (action: string) => {
    if (!can(action)) return words.common.notAllowed(action);
    return isBusy ?? (devices.length === 0 ? own.noneSelected : undefined);
  };
  const failed = results.filter(({ problem }) => problem !== undefined);
  const button = (work: Work, action: string) => (
    <Press variant="default" why={why(action)} onClick={() => void run(work)}>
      {work.what}
    </Press>
  );
  return (
    <Card withBorder p="sm" bg="var(--hf-raised)">
      <Stack gap="xs">
        <Group gap="xs">
          <Text fz="sm">{words.common.selected(devices.length)}</Text>
          {button(suspend, "device.suspend")}
          {button(resume, "device.resume")}
          <Press variant="default" why={why("device.update")} onClick={() => setTagging(true)}>
            {own.tag}
          </Press>
          <Press
            variant="subtle"
            why={isBusy}
            onClick={() => {
              setResults([]);
              done();
            }}
          >
            {own.clear}
          </Press>
        </Group>
        {running && (
          <Group gap="xs">
            <Progress flex={1} value={(100 * results.length) / running.count} aria-label={running.what} />
            <Text fz="sm" role="status">
              {own.progress(results.length, running.count)}
            </Text>
            <Button variant="default" size="compact-sm" onClick={() => (isStopped.current = true)}>
              {own.stop}
            </Button>
          </Group>
        )}
        {!running && results.length > 0 && (
          <Text fz="sm" role="status">
            {own.progress(results.length - failed.length, results.length)}
            {failed.length > 0 && ` · ${own.failed(failed.length)}`}
          </Text>
        )}
        {failed.length > 0 && (
          <List size="sm" aria-label={own.results} mah={160} style={{ overflow: "auto" }}>
            {failed.map(({ device, problem }) => (
              <List.Item key={device.id}>
                {device.name}: {problem}
              </List.Item>
            ))}
          </List>
        )}
      </Stack>
      <Modal
        opened={isTagging}
        onClose={() => setTagging(false)}
        title={own.tag}
        closeButtonProps={{ "aria-label": words.common.close }}
      >
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const [key = "", ...value] = tag.split("=");
            if (key.trim() === "" || value.length === 0) return;
            setTagging(false);
            void run(tagWith(key.trim(), value.join("=").trim()));
          }}
        >
          <Stack gap="sm">
            <TextInput
              label={own.tagLabel}
              placeholder="floor=3"
              required
              pattern="[^=]+=.*"
              value={tag}
              onChange={(event) => setTag(event.currentTarget.value)}
              data-autofocus
            />
            <Button type="submit">{own.begin(own.tag, devices.length)}</Button>
          </Stack>
        </form>
      </Modal>
    </Card>
  );
}
