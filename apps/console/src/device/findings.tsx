import { Alert, Text } from "@mantine/core";
import type { DeviceFinding } from "@holdfast/protocol";
import { Link } from "@tanstack/react-router";
import { paths } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Device } from "./frame.tsx";

const own = words.posture;

/** Where it is mended, of the pages of a device; some are mended on the device alone. */
const places = {
  plain: "access",
  shared: "access",
  listening: "twin",
  oldTls: "access",
  classical: undefined,
  certificateEnding: "certificates",
  oldSecret: "access",
  silent: "live",
  neverSeen: "live",
  defaultDoor: "access",
} as const satisfies Readonly<Record<DeviceFinding, keyof typeof pages | undefined>>;

const pages = {
  access: paths.deviceAccess,
  certificates: paths.deviceCertificates,
  live: paths.deviceLive,
  twin: paths.deviceTwin,
} as const;

/** What is weak about a device, and what to do: all of it on its overview, under Access what is mended there. */
export function Findings({ device, on }: { readonly device: Device; readonly on: "overview" | "access" }) {
  const org = useOrg();
  const params = { org: org.id, device: device.id };
  const shown = device.findings.filter((finding) => on === "overview" || places[finding] === on);
  return shown.map((finding) => {
    const { title, says, fix } = own.findings[finding];
    const place = places[finding];
    return (
      <Alert key={finding} color="yellow" variant="outline" c="var(--hf-text)" title={title}>
        <Text fz="sm">
          {says} {fix}
        </Text>
        {place !== undefined && place !== on && (
          <Link to={pages[place]} params={params}>
            {own.places[place]}
          </Link>
        )}
      </Alert>
    );
  });
}
