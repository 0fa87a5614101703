import { Group, Stack, Text, Title } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor, useAct } from "../api/index.ts";
import { CommandForm, CommandMark } from "../commanding/index.ts";
import { Empty, EntityId, Moment, Press, ProblemNotice, Scroll } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { DeviceFrame, useDevice } from "./frame.tsx";

type Command = Reply<typeof routes.readCommand>;
const own = words.commands;
/** Documents of JSON may be long. */
const wraps = { whiteSpace: "normal", overflowWrap: "anywhere", minWidth: 160 } as const;
const everySeconds = 2_000; // they go on by themselves
const most = 50;

const isOpen = ({ state }: Command): boolean => ["proposed", "waiting", "sent", "acknowledged"].includes(state);

/** What a device is asked to do, and what became of it. */
export function DeviceCommands() {
  const device = useDevice();
  const org = useOrg();
  const params = { device: device.id };
  const { data, error } = useQuery({
    queryKey: ["commands", org.id, device.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listCommands, { params, query: { limit: most }, signal }),
    refetchInterval: everySeconds,
  });
  return (
    <DeviceFrame device={device}>
      <Stack gap="xl">
        {device.state !== "retired" && (
          <CommandForm kept="command" send={(body) => apiFor(org.id).call(routes.sendCommand, { params, body })} />
        )}
        <Stack gap="sm">
          <Title order={2} fz="lg">
            {own.list}
          </Title>
          {data?.items.some(({ state }) => state === "proposed") && <Text fz="sm">{own.approveHint}</Text>}
          {error && !data && <ProblemNotice error={error} />}
          {data?.items.length === 0 && <Empty>{own.empty}</Empty>}
          {data && data.items.length > 0 && <Commands commands={data.items} />}
        </Stack>
      </Stack>
    </DeviceFrame>
  );
}

function Commands({ commands }: { readonly commands: readonly Command[] }) {
  return (
    <Scroll label={own.list}>
      <table className="hf-table">
        <caption className="hf-visually-hidden">{own.list}</caption>
        <thead>
          <tr>
            <th scope="col">{own.name}</th>
            <th scope="col">{own.state}</th>
            <th scope="col">{own.reply}</th>
            <th scope="col">{own.created}</th>
            <th scope="col">{own.ends}</th>
            <th scope="col">{own.by}</th>
            <th scope="col">{own.actions}</th>
          </tr>
        </thead>
        <tbody>
          {commands.map((command) => (
            <Row key={command.id} command={command} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Row({ command }: { readonly command: Command }) {
  const api = apiFor(useOrg().id);
  const can = useCan();
  const params = { device: command.device, command: command.id };
  const approve = useAct(() => api.call(routes.approveCommand, { params }));
  const cancel = useAct(() => api.call(routes.cancelCommand, { params }));
  const why = can("command.send") ? undefined : words.common.notAllowed("command.send");
  const error = approve.error ?? cancel.error;
  const reply = "error" in command ? command.error : command.result;
  const since = command.endedAt ?? command.acknowledgedAt ?? command.sentAt;
  return (
    <tr title={command.id}>
      <td>{command.name}</td>
      <td>
        <CommandMark state={command.state} /> {command.late && own.late} {since !== undefined && <Moment at={since} />}
      </td>
      <td style={wraps}>{reply === undefined ? "" : JSON.stringify(reply)}</td>
      <td>
        <Moment at={command.createdAt} />
      </td>
      <td>
        <Moment at={command.expiresAt} />
      </td>
      <td>
        <EntityId id={command.approvedBy ?? command.by} />
      </td>
      <td>
        <Group gap="xs" wrap="nowrap">
          {command.state === "proposed" && (
            <Press size="xs" why={why} loading={approve.isPending} onClick={() => approve.mutate(undefined)}>
              {own.approve}
            </Press>
          )}
          {isOpen(command) && (
            <Press
              size="xs"
              variant="default"
              why={why}
              loading={cancel.isPending}
              onClick={() => cancel.mutate(undefined)}
            >
              {own.cancel}
            </Press>
          )}
        </Group>
        {error && <ProblemNotice error={error} />}
      </td>
    </tr>
  );
}
