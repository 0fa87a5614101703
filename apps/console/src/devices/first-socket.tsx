import { Button, Stack, Text } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes, transports } from "@holdfast/protocol";
import encoder from "../../../../examples/socket.c?raw";
import { apiFor, useAct } from "../api/index.ts";
import { Press, ProblemNotice, Program, save, SecretOnce } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { socketSnippet, type SocketWay } from "./snippets.ts";

const own = words.devices.adding.socket;

/** Where the platform takes frames. */
export type SocketPorts = readonly { readonly way: SocketWay; readonly port: number }[];

/** What was made, which is shown once. */
export type MadeSecret = Reply<typeof routes.mintDeviceKey>;

/** A secret for frames of direct sockets, the door that takes them, and the encoder in C that sends the first. */
export function FirstSocket({
  device,
  host,
  ports,
  made,
  done,
}: {
  readonly device: string;
  readonly host: string;
  readonly ports: SocketPorts;
  readonly made: MadeSecret | undefined;
  readonly done: (made: MadeSecret) => void;
}) {
  const org = useOrg();
  const can = useCan();
  const params = { device };
  const make = useAct(async () => {
    const api = apiFor(org.id);
    // The door first: a secret that is made is shown, whatever becomes of the rest.
    const { door, inherited, version } = await api.call(routes.readDeviceDoor, { params });
    // What its product opened is open to it; what that closed it cannot open.
    const before = door.transports ?? inherited?.door.transports ?? transports.filter((way) => way !== "socket");
    if (!before.includes("socket")) {
      const body = { ...door, transports: [...before, "socket" as const] };
      await api.call(routes.setDeviceDoor, { params, body, ifVersion: version });
    }
    // Told from here, so that it is kept when another tab is opened meanwhile.
    done(await api.call(routes.mintDeviceKey, { params, body: { kind: "socket" } }));
  });
  const lacking = ["device.mintKey", "device.setDoor"].find((action) => !can(action));
  if (ports.length === 0) return <Text fz="sm">{own.noPort}</Text>;
  if (!made) {
    return (
      <Stack gap="sm" align="flex-start">
        <Text fz="sm">{own.hint}</Text>
        {make.error && <ProblemNotice error={make.error} />}
        <Press
          why={lacking === undefined ? undefined : words.common.notAllowed(lacking)}
          loading={make.isPending}
          onClick={() => make.mutate(undefined)}
        >
          {own.make}
        </Press>
      </Stack>
    );
  }
  const { id, secret = "" } = made;
  return (
    <Stack gap="md">
      <SecretOnce label={own.secret} secret={secret} file={`${id}.txt`} />
      {ports.map(({ way, port }, counter) => (
        <Stack key={way} gap="xs">
          <Text fz="sm" fw={600}>
            {own.ways[way]}
          </Text>
          <Program label={own.ways[way]} text={socketSnippet({ host, port, way, secret, counter })}>
            <Button variant="default" onClick={() => save("socket.c", "text/x-c", encoder)}>
              {own.take}
            </Button>
          </Program>
        </Stack>
      ))}
      <Text fz="sm" c="var(--hf-dim)">
        {own.counterHint}
      </Text>
    </Stack>
  );
}
