import { Alert, Button, Code, Group, Loader, Stack, Tabs, Text } from "@mantine/core";
import { measuredText, type Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { apiFor } from "../api/index.ts";
import { EntityId, paths, ProblemNotice, Program as Lines, save, SecretOnce, Slow } from "../kit/index.ts";
import { reasonOf, useLive, type Heard } from "../live/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { MadeDevice } from "./add-device.tsx";
import type { MadeSecret, SocketPorts } from "./first-socket.tsx";
import { snippets, type ClientName, type Facts } from "./snippets.ts";

const own = words.devices.adding;
const names = Object.keys(snippets) as ClientName[]; // the keys of a constant

// It has the encoder with it: whoever opens its tab loads that.
const FirstSocket = lazy(async () => ({ default: (await import("./first-socket.tsx")).FirstSocket }));

/** The key, a program for the client that somebody has, and what comes of it. */
export function FirstReading({ device }: { readonly device: MadeDevice }) {
  const org = useOrg();
  const { data: platform, error } = useQuery({
    queryKey: ["platform", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readPlatform, { signal }),
  });
  const key = { id: device.key.id, secret: device.key.secret ?? "" };
  return (
    <Stack gap="lg">
      {device.isBrought === true ? (
        <Text fz="sm" component="div">
          <EntityId id={key.id} /> {own.brought}
        </Text>
      ) : (
        <SecretOnce label={words.device.access.keyLabel} secret={`${key.id}.${key.secret}`} file={`${key.id}.txt`} />
      )}
      {error && <ProblemNotice error={error} />}
      {platform ? <Programs facts={factsOf(platform, key)} device={device.id} ports={portsOf(platform)} /> : <Slow />}
      <Wait device={device} />
    </Stack>
  );
}

function factsOf(
  { url, mqttsUrl, caPem }: { readonly url: string; readonly mqttsUrl: string; readonly caPem?: string | undefined },
  key: Facts["key"],
): Facts {
  const mqtt = new URL(mqttsUrl.replace(/^mqtts:/, "https:"));
  return { url, mqttHost: mqtt.hostname, mqttPort: Number(mqtt.port) || 8883, key, caPem };
}

/** Where frames of direct sockets are taken; nowhere, unless whoever runs the platform said so. */
const portsOf = ({ listeners }: Reply<typeof routes.readPlatform>): SocketPorts =>
  (["udp", "tcp"] as const).flatMap((way) =>
    listeners.filter(({ protocol }) => protocol === way).map(({ port }) => ({ way, port })),
  );

function Programs({
  facts,
  device,
  ports,
}: {
  readonly facts: Facts;
  readonly device: string;
  readonly ports: SocketPorts;
}) {
  // Its secret is shown once: it stays while another tab is looked at.
  const [made, setMade] = useState<MadeSecret | undefined>(undefined);
  return (
    <Tabs defaultValue="mosquitto" keepMounted={false}>
      <Tabs.List aria-label={own.client}>
        {names.map((name) => (
          <Tabs.Tab key={name} value={name}>
            {own.clients[name]}
          </Tabs.Tab>
        ))}
        <Tabs.Tab value="socket">{own.socket.name}</Tabs.Tab>
      </Tabs.List>
      {names.map((name) => (
        <Tabs.Panel key={name} value={name} pt="sm">
          <Program name={name} facts={facts} />
        </Tabs.Panel>
      ))}
      <Tabs.Panel value="socket" pt="sm">
        <Suspense fallback={<Slow />}>
          <FirstSocket device={device} host={facts.mqttHost} ports={ports} made={made} done={setMade} />
        </Suspense>
      </Tabs.Panel>
    </Tabs>
  );
}

function Program({ name, facts }: { readonly name: ClientName; readonly facts: Facts }) {
  const { text, files } = snippets[name](facts);
  const { caPem } = facts;
  return (
    <Stack gap="xs">
      <Lines label={own.clients[name]} text={text}>
        {files.includes("ca.pem") && caPem !== undefined && (
          <Button variant="default" onClick={() => save("ca.pem", "application/x-pem-file", caPem)}>
            {own.takeCa}
          </Button>
        )}
      </Lines>
      {files.includes("ca.pem") && (
        <Text fz="sm" c="var(--hf-dim)">
          {own.caHint}
        </Text>
      )}
    </Stack>
  );
}

/** Turns green at the first message, or says exactly what was wrong with what came instead. */
function Wait({ device }: { readonly device: MadeDevice }) {
  const org = useOrg();
  const { events, state, error } = useLive(org.id, device.id, { strangers: true });
  const reading = events.find(({ type }) => type === "reading");
  const refused = events.filter(({ type }) => type === "refused" || type === "stranger").slice(-3);
  if (reading?.type === "reading") {
    const { values } = reading.data;
    return (
      <Alert role="status" color="green" variant="outline" title={<Arrived />} c="var(--hf-text)">
        <Stack gap="xs">
          <Text fz="sm">
            {Object.entries(values)
              .map(([name, value]) => `${name} = ${measuredText(value)}`)
              .join(", ")}
          </Text>
          <Link to={paths.deviceTelemetry} params={{ org: org.id, device: device.id }}>
            {own.toChart}
          </Link>
        </Stack>
      </Alert>
    );
  }
  return (
    <Stack gap="xs">
      <Group gap="xs" role="status">
        <Loader size="xs" />
        <Text fz="sm">{state === "live" ? own.waiting : words.device.live.states[state]}</Text>
      </Group>
      {state === "refused" && <ProblemNotice error={error} />}
      {refused.map((event) => (
        <Refused key={event.number} event={event} />
      ))}
    </Stack>
  );
}

const Arrived = () => (
  <span style={{ color: "var(--hf-good)" }}>
    <span aria-hidden="true">●</span> {own.arrived}
  </span>
);

function Refused({ event }: { readonly event: Heard }) {
  if (event.type === "stranger") {
    const { address, transport, code, title } = event.data;
    return (
      <Alert
        role="alert"
        color="yellow"
        variant="outline"
        title={own.strangerFrom(address, transport)}
        c="var(--hf-text)"
      >
        <Text fz="sm">{code === "credential.invalid" ? own.keyUnknown : title}</Text>
        <Code>{code}</Code>
      </Alert>
    );
  }
  if (event.type !== "refused") return null;
  const { code, detail, topic } = event.data;
  return (
    <Alert role="alert" color="red" variant="outline" title={own.refused} c="var(--hf-text)">
      <Text fz="sm">{reasonOf(event.data)}</Text>
      {code === "credential.invalid" && detail !== undefined && <Text fz="sm">{own.secretHint}</Text>}
      {topic !== undefined && <Text fz="sm">{own.topic(topic)}</Text>}
      <Code>{code}</Code>
    </Alert>
  );
}
