// A thermometer for boards that speak Arduino (ESP32), with PubSubClient. Fill in secrets.h:
//
//   #define WIFI_NAME "…"       #define WIFI_PASSWORD "…"
//   #define PLATFORM_HOST "…"   #define PLATFORM_PORT 8883
//   #define KEY_ID "key_…"      #define KEY_SECRET "hfs_…"      as POST /v1/devices gives it
//   #define PLATFORM_CA "-----BEGIN CERTIFICATE-----\n…"         from /security/certificates
//
// PubSubClient publishes with QoS 0: a reading that is under way when the connection ends is lost.
#include <WiFi.h>
#include <WiFiClientSecure.h>
#include <PubSubClient.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "secrets.h"

const unsigned long interval = 60000;  // milliseconds
// A command's body has 16 KiB at most (docs/commands.md), and stands in less than one more. PubSubClient passes over what has no room here and does
// not acknowledge it, so on a board that has less to spare such a command comes again with each connection until it expires: send it none.
const uint16_t largest = 17 * 1024;

WiFiClientSecure tls;
PubSubClient mqtt(tls);
unsigned long lastReading = 0;
unsigned long failedAt = 0;
unsigned long patience = 0;  // milliseconds from there to the next try
unsigned failures = 0;
bool measured = false;
char lastCommand[64] = "";
const char *lastReply = "";

// The text under a name, where it is flat JSON: what the platform sends has no quote in its ids and names.
bool textOf(const char *json, const char *name, char *into, size_t size) {
  char sought[32];
  snprintf(sought, sizeof sought, "\"%s\":\"", name);
  const char *at = strstr(json, sought);
  if (!at) return false;
  at += strlen(sought);
  const size_t length = strcspn(at, "\"");
  if (length >= size) return false;
  memcpy(into, at, length);
  into[length] = 0;
  return true;
}

void onMessage(char *, uint8_t *payload, unsigned int length) {
  // What stands before the body, of which no command here has any use. A copy, as the reply is written where the command came.
  char command[256], id[64], name[65], topic[80];
  const size_t size = length < sizeof command ? length : sizeof command - 1;
  memcpy(command, payload, size);
  command[size] = 0;
  if (char *body = strstr(command, "\"body\":")) *body = 0;
  if (!textOf(command, "id", id, sizeof id) || !textOf(command, "name", name, sizeof name)) return;
  // It comes again where the connection ended before the platform had our reply: it gets the same, and nothing is done twice.
  if (strcmp(id, lastCommand) != 0) {
    strcpy(lastCommand, id);
    // Nothing is kept over a restart, so what may have run before is not run (docs/commands.md, "Run once").
    if (strstr(command, "\"again\":true")) lastReply = "{\"error\": \"this may have run before the device started\"}";
    else if (strcmp(name, "ping") == 0) lastReply = "{\"result\": \"pong\"}";
    else lastReply = "{\"error\": \"no such command\"}";
  }
  snprintf(topic, sizeof topic, "me/replies/%s", id);
  mqtt.publish(topic, lastReply);
}

void setup() {
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
  while (WiFi.status() != WL_CONNECTED) delay(100);
  configTime(0, 0, "pool.ntp.org");  // without the time no certificate is valid
  while (time(nullptr) < 1700000000) delay(100);
  tls.setCACert(PLATFORM_CA);
  mqtt.setServer(PLATFORM_HOST, PLATFORM_PORT);
  mqtt.setBufferSize(largest);
  mqtt.setCallback(onMessage);
}

void loop() {
  if (!mqtt.connected()) {
    if (millis() - failedAt < patience) return;
    if (mqtt.connect(KEY_ID, KEY_ID, KEY_SECRET)) {
      failures = 0;
      patience = 0;
      mqtt.subscribe("me/commands/+", 1);
    } else {
      // Anywhere up to a bound that doubles: many devices do not come back at once.
      if (failures < 6) failures += 1;
      failedAt = millis();
      patience = random(1000L << failures);
      return;
    }
  }
  mqtt.loop();
  if (measured && millis() - lastReading < interval) return;
  char reading[48];
  snprintf(reading, sizeof reading, "{\"temperature\": %.1f}", 21.5);
  if (mqtt.publish("me/telemetry", reading)) {
    lastReading = millis();
    measured = true;
  }
}
