import type { Passwords } from "@holdfast/crypto";
import type { Broker } from "@holdfast/mqtt";
import type { Post } from "./identity/index.ts";
import type { Arrivals, Guard, HttpListener, Watchers } from "./listeners/index.ts";
import type { LiveRefusals } from "./live/index.ts";
import type { Sockets } from "./sockets/index.ts";
import type { ScheduledBackups } from "./scheduled-backups.ts";
import type { Storage } from "./storage/index.ts";
import type { ChunkCare, Telemetry } from "./telemetry/index.ts";

type Needs = {
  readonly passwords: Pick<Passwords, "statistics">;
  readonly post: Pick<Post, "statistics">;
  readonly telemetry: Pick<Telemetry, "statistics">;
  readonly broker: Pick<Broker, "statistics">;
  readonly https: Pick<HttpListener, "statistics">;
  readonly watchers: Pick<Watchers, "count">;
  readonly sockets: Pick<Sockets, "statistics">;
  readonly arrivals: Pick<Arrivals, "statistics">;
  readonly guard: Pick<Guard, "statistics">;
  readonly liveRefusals: Pick<LiveRefusals, "omitted">;
  readonly backups: Pick<ScheduledBackups, "facts">;
  readonly storage: Pick<Storage, "isFull">;
  readonly chunkCare: Pick<ChunkCare, "isMoveHeldUp">;
};

/**
 * Prometheus' text format (version 0.0.4). Named as Prometheus wants it: what only grows ends with `_total`, units are spelt out and basic
 * (bytes, seconds); the rest are gauges. Counters begin at zero when the platform starts. Nothing in them names an organisation.
 */
export function metricsOf({
  passwords,
  post,
  telemetry,
  broker,
  https,
  watchers,
  sockets,
  arrivals,
  guard,
  liveRefusals,
  backups,
  storage,
  chunkCare,
}: Needs): string {
  const mqtt = broker.statistics;
  const kept = telemetry.statistics;
  const mail = post.statistics;
  const { user, system } = process.cpuUsage();
  const { connections, answers } = https.statistics;
  const { halfOpen, waiting, waited, turnedAway } = arrivals.statistics;
  return [
    ...gauge("connections_half_open", "Connections in the handshake, or without CONNECT or request so far.", halfOpen),
    ...gauge(
      "connections_waiting",
      "Connections that wait for their handshake, because of others of their address.",
      waiting,
    ),
    ...counter("connections_waited", "Connections that had to wait for their handshake.", waited),
    "# HELP holdfast_connections_turned_away_total Connections that were closed as they came, by reason.",
    "# TYPE holdfast_connections_turned_away_total counter",
    ...[...turnedAway].map(([why, count]) => `holdfast_connections_turned_away_total{reason="${why}"} ${count}`),
    ...gauge("disk_full", "Whether nothing new is taken because the disk is almost full.", storage.isFull ? 1 : 0),
    ...gauge(
      "moves_held_up",
      "Whether old readings stay in the database because the object store does not take them.",
      chunkCare.isMoveHeldUp ? 1 : 0,
    ),
    ...gauge(
      "backup_last_good_timestamp_seconds",
      "When the last good backup of the data was begun; 0 of none.",
      (backups.facts.lastGood ?? 0) / 1000,
    ),
    ...gauge(
      "backup_late",
      "Whether the backup that the platform makes by itself is late.",
      backups.facts.isLate ? 1 : 0,
    ),
    ...counter(
      "password_hashes",
      "Passwords that were hashed, to keep them or to look at them.",
      passwords.statistics.hashes,
    ),
    ...counter(
      "mail_sent",
      "Letters to people that were taken by the mail server, or written to the file of links.",
      mail.sent,
    ),
    ...counter("mail_failures", "Attempts to hand a letter over that failed.", mail.failures),
    "# HELP holdfast_mail_lost_total Letters that were not sent, by why.",
    "# TYPE holdfast_mail_lost_total counter",
    `holdfast_mail_lost_total{reason="refused"} ${mail.refused}`,
    `holdfast_mail_lost_total{reason="too_late"} ${mail.givenUp}`,
    `holdfast_mail_lost_total{reason="too_many"} ${mail.dropped}`,
    ...gauge("http_connections", "Connections of HTTP, WebSockets among them.", connections),
    "# HELP holdfast_http_requests_total Requests that were answered, by status.",
    "# TYPE holdfast_http_requests_total counter",
    ...[...answers].map(([status, count]) => `holdfast_http_requests_total{status="${status}"} ${count}`),
    ...gauge("mqtt_connections", "MQTT connections that are open.", mqtt.connectionsOpen),
    ...counter("mqtt_connections", "MQTT connections that were accepted.", mqtt.connectionsAccepted),
    ...counter("mqtt_connections_refused", "CONNECT packets that were answered no.", mqtt.connectionsTurnedAway),
    ...gauge(
      "mqtt_refusals_waiting",
      "Clients that wait for the answer no, having had it lately.",
      mqtt.refusalsWaiting,
    ),
    ...gauge("mqtt_sessions", "MQTT sessions, connected or kept.", mqtt.sessions),
    ...counter(
      "mqtt_sessions_displaced",
      "Kept MQTT sessions that ended because their key began more than it may have.",
      mqtt.sessionsDisplaced,
    ),
    ...gauge("mqtt_queued_messages", "Messages of QoS 1 and 2 that wait for their session.", mqtt.queued),
    ...gauge("mqtt_queued_bytes", "Bytes of messages that wait for their session.", mqtt.queuedBytes),
    ...gauge(
      "mqtt_held_bytes",
      "Memory for what waits for sessions or their acknowledgement, each message once, and for wills.",
      mqtt.heldBytes,
    ),
    ...gauge("mqtt_unread_bytes", "Memory for what MQTT clients were sent and have not taken.", mqtt.unreadBytes),
    ...gauge("mqtt_stranger_bytes", "Bytes from MQTT clients whose CONNECT is not answered.", mqtt.strangerBytes),
    ...gauge("mqtt_retained_messages", "Messages that are kept for whoever subscribes later.", mqtt.retained),
    ...gauge("mqtt_retained_bytes", "Bytes of retained messages.", mqtt.retainedBytes),
    ...counter("mqtt_messages_received", "PUBLISH packets from clients.", mqtt.messagesIn),
    ...counter("mqtt_messages_sent", "PUBLISH packets to clients.", mqtt.messagesOut),
    ...counter("mqtt_received_bytes", "Bytes from MQTT clients.", mqtt.bytesIn),
    ...counter("mqtt_sent_bytes", "Bytes to MQTT clients.", mqtt.bytesOut),
    ...counter(
      "mqtt_publishes_refused",
      "Messages that were refused by topic, right or content.",
      mqtt.publishesRefused,
    ),
    "# HELP holdfast_mqtt_publishes_without_room_total Of these, for want of room: in the queue of a session, or among what is retained.",
    "# TYPE holdfast_mqtt_publishes_without_room_total counter",
    ...Object.entries(noRoomFor(mqtt)).map(
      ([why, count]) => `holdfast_mqtt_publishes_without_room_total{reason="${why}"} ${count}`,
    ),
    ...counter("mqtt_publishes_not_kept", "Messages that were taken and could not be kept.", mqtt.publishesNotKept),
    ...counter("mqtt_subscribes_refused", "Filters that were refused.", mqtt.subscribesRefused),
    ...counter("mqtt_withheld", "Deliveries that the right to them had ended for.", mqtt.withheld),
    ...counter(
      "mqtt_discarded",
      "Messages that waited or were retained, and went with what was erased.",
      mqtt.discarded,
    ),
    "# HELP holdfast_mqtt_dropped_total Messages given up for a client, by why.",
    "# TYPE holdfast_mqtt_dropped_total counter",
    ...Object.entries(droppedBy(mqtt)).map(([why, count]) => `holdfast_mqtt_dropped_total{reason="${why}"} ${count}`),
    ...counter("mqtt_disconnected_slow", "Clients that read too slowly.", mqtt.disconnectedSlow),
    ...counter(
      "mqtt_disconnected_strangers",
      "Clients whose CONNECT was not answered and that had sent most, when all of those had sent too much.",
      mqtt.disconnectedStrangers,
    ),
    ...counter("mqtt_disconnected_protocol", "Clients that broke the protocol.", mqtt.disconnectedProtocol),
    ...counter("mqtt_disconnected_silent", "Clients that missed their keep-alive.", mqtt.disconnectedKeepAlive),
    ...counter("mqtt_disconnected_policy", "Clients whose right to be there ended.", mqtt.disconnectedByPolicy),
    "# HELP holdfast_socket_frames_total Frames of direct sockets, by what became of them.",
    "# TYPE holdfast_socket_frames_total counter",
    ...Object.entries(sockets.statistics).map(
      ([outcome, count]) => `holdfast_socket_frames_total{outcome="${outcome}"} ${count}`,
    ),
    ...counter("telemetry_messages", "Deliveries that are durable.", kept.messages),
    ...counter("telemetry_points", "Points that are durable.", kept.points),
    ...counter("telemetry_commits", "Transactions that made them so.", kept.commits),
    ...counter("telemetry_log_bytes", "Bytes that these wrote to the log.", kept.bytes),
    ...counter("telemetry_refused", "Deliveries of which nothing was kept.", kept.refused),
    ...counter(
      "telemetry_marked",
      "Values that were kept although their product's schema does not let them be.",
      kept.marked,
    ),
    ...gauge("telemetry_waiting_bytes", "Bytes that wait for a commit.", kept.waitingBytes),
    ...counter("telemetry_chunks", "Chunks written by compaction.", kept.chunks),
    ...counter("telemetry_chunk_points", "Points in these chunks.", kept.chunkPoints),
    ...counter("telemetry_chunk_bytes", "Bytes of these chunks.", kept.chunkBytes),
    ...gauge("telemetry_series_uncompacted", "Series with points that only the log has.", kept.series),
    ...gauge("live_streams", "Open event streams and WebSockets.", watchers.count),
    ...counter("live_refusals_omitted", "Refusals that those who watch were told the number of.", liveRefusals.omitted),
    ...counter("authentication_failures", "Attempts without a good credential.", guard.statistics.failures),
    ...counter("process_cpu_seconds", "CPU time of this process, the database's apart.", (user + system) / 1e6),
    ...gauge(
      "process_resident_memory_bytes",
      "Memory of this process, the database's apart.",
      process.memoryUsage.rss(),
    ),
    ...gauge("process_uptime_seconds", "Since this process started.", process.uptime()),
    "",
  ].join("\n");
}

const droppedBy = ({ dropped: { slow, queueFull, spaceFull, old, expired, tooLarge } }: Broker["statistics"]) => ({
  slow,
  queue_full: queueFull,
  space_full: spaceFull,
  too_old: old,
  expired,
  too_large: tooLarge,
});

/** Of the messages that were refused. */
const noRoomFor = (mqtt: Broker["statistics"]) => ({
  queue_full: mqtt.refusedQueueFull,
  retained_full: mqtt.refusedRetained,
});

const counter = (name: string, help: string, value: number) => metric(`holdfast_${name}_total`, "counter", help, value);
const gauge = (name: string, help: string, value: number) => metric(`holdfast_${name}`, "gauge", help, value);

const metric = (name: string, type: string, help: string, value: number): readonly string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  `${name} ${value}`,
];
