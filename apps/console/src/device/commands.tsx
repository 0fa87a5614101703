import { Group, Stack, Text, Title } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { isId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor, useAct, useList } from "../api/index.ts";
import { CommandForm, CommandMark } from "../commanding/index.ts";
import { Altered, Empty, EntityId, Moment, Press, ProblemNotice, Scroll } from "../kit/index.ts";
import { PersonName } from "../naming/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { DeviceFrame, useDevice } from "./frame.tsx";

type Command = Reply<typeof routes.readCommand>;
const own = words.commands;
/** Documents of JSON may be long. */
const wraps = { whiteSpace: "normal", overflowWrap: "anywhere", minWidth: 160 } as const;
const everySeconds = 2_000; // they go on by themselves
const limit = 50;

const isOpen = ({ state }: Command): boolean => ["proposed", "waiting", "sent", "acknowledged"].includes(state);

/** What a device is asked to do, and what became of it. */
export function DeviceCommands() {
  const device = useDevice();
  const org = useOrg();
  const params = { device: device.id };
  const ask = (cursor: string | undefined, signal: AbortSignal) =>
    apiFor(org.id).call(routes.listCommands, { params, query: { cursor, limit }, signal });
  // The newest are asked again and again; older ones come by the page, and stay.
  const { data, error } = useQuery({
    queryKey: ["commands", org.id, device.id],
    queryFn: ({ signal }) => ask(undefined, signal),
    refetchInterval: everySeconds,
  });
  const older = useList(["commands-by-page", org.id, device.id], ask);
  const newest = new Set(data?.items.map(({ id }) => id));
  const altered = [...new Set([...(data?.altered ?? []), ...older.altered])];
  const commands = [...(data?.items ?? []), ...older.rows.filter(({ id }) => !newest.has(id))];
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
          {commands.some(({ state }) => state === "proposed") && <Text fz="sm">{own.approveHint}</Text>}
          {error && !data && <ProblemNotice error={error} />}
          {altered.length > 0 && <Altered ids={altered} />}
          {data && commands.length === 0 && altered.length === 0 && <Empty>{own.empty}</Empty>}
          {data && commands.length > 0 && <Commands commands={commands} />}
          {older.error && data && <ProblemNotice error={older.error} retry={older.retry} />}
          {older.more && (
            <Group>
              <Press variant="default" why={undefined} loading={older.isLoadingMore} onClick={older.more}>
                {own.older}
              </Press>
            </Group>
          )}
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
            <th scope="col">{own.approvedBy}</th>
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
        <CommandMark state={command.state} /> {command.late && own.late} {command.reason && own.reasons[command.reason]}{" "}
        {since !== undefined && <Moment at={since} />}
      </td>
      <td style={wraps}>{reply === undefined ? "" : JSON.stringify(reply)}</td>
      <td>
        <Moment at={command.createdAt} />
      </td>
      <td>
        <Moment at={command.expiresAt} />
      </td>
      <td>{isId("person", command.by) ? <PersonName id={command.by} /> : <EntityId id={command.by} />}</td>
      <td>{command.approvedBy !== undefined && <PersonName id={command.approvedBy} />}</td>
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
