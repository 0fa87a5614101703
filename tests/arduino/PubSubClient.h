// A client of MQTT 3.1.1 with the part of PubSubClient's interface that our sketches use, for hosts that have not the library: it speaks to a
// real platform. Like that one it publishes with QoS 0, acknowledges what comes with QoS 1, and passes over what is larger than its buffer.
#pragma once
#include "Arduino.h"
#include <string.h>
#include <functional>
#include <string>
#include <vector>

class PubSubClient {
 public:
  using Callback = std::function<void(char *, uint8_t *, unsigned int)>;

  explicit PubSubClient(Client &client) : client(client) {}

  PubSubClient &setServer(const char *name, uint16_t number) {
    host = name;
    port = number;
    return *this;
  }

  PubSubClient &setCallback(Callback given) {
    callback = given;
    return *this;
  }

  bool setBufferSize(uint16_t size) {
    largest = size;
    return true;
  }

  bool connect(const char *id, const char *user, const char *password) {
    if (!client.connect(host.c_str(), port)) return false;
    std::string body = text("MQTT") + std::string("\x04\xc2\x00\x0f", 4) + text(id) + text(user) + text(password);
    uint8_t type = 0;
    std::vector<uint8_t> heard;
    if (send(0x10, body) && receive(type, heard) && type == 0x20 && heard.size() == 2 && heard[1] == 0) return true;
    client.stop();
    return false;
  }

  bool connected() { return client.connected(); }

  bool publish(const char *topic, const char *payload) {
    return fits(strlen(topic) + strlen(payload)) && connected() && send(0x30, text(topic) + payload);
  }

  bool subscribe(const char *filter, uint8_t qos) {
    return connected() && send(0x82, std::string("\x00\x01", 2) + text(filter) + static_cast<char>(qos));
  }

  bool loop() {
    if (!connected()) return false;
    if (millis() - spoken > 15000 && !send(0xc0, "")) return false;
    if (client.available() <= 0) return true;
    uint8_t type = 0;
    std::vector<uint8_t> heard;
    if (!receive(type, heard)) return client.stop(), false;
    if ((type & 0xf0) != 0x30 || heard.size() < 2 || !fits(heard.size())) return true;
    const size_t length = heard[0] << 8 | heard[1], id = type & 6 ? 2 : 0;
    if (2 + length + id > heard.size()) return client.stop(), false;
    std::string topic(heard.begin() + 2, heard.begin() + 2 + length);
    const std::string named(heard.begin() + 2 + length, heard.begin() + 2 + length + id);
    if (callback)
      callback(&topic[0], heard.data() + 2 + length + id, static_cast<unsigned>(heard.size() - 2 - length - id));
    return id == 0 || send(0x40, named);
  }

 private:
  Client &client;
  std::string host;
  uint16_t port = 0;
  size_t largest = 256;
  unsigned long spoken = 0;
  Callback callback;

  bool fits(size_t size) const { return size + 7 <= largest; }

  static std::string text(const char *of) {
    const size_t length = strlen(of);
    return std::string{static_cast<char>(length >> 8), static_cast<char>(length & 255)} + of;
  }

  bool send(uint8_t type, const std::string &body) {
    std::string packet(1, static_cast<char>(type));
    size_t left = body.size();
    do {
      packet += static_cast<char>(left % 128 | (left > 127 ? 128 : 0));
      left /= 128;
    } while (left > 0);
    packet += body;
    spoken = millis();
    return client.write(reinterpret_cast<const uint8_t *>(packet.data()), packet.size()) == packet.size();
  }

  bool take(uint8_t *into, size_t size) {
    const unsigned long begun = millis();
    for (size_t got = 0; got < size;) {
      if (client.available() > 0) {
        const int count = client.read(into + got, size - got);
        if (count > 0) got += count;
      } else if (!client.connected() || millis() - begun > 15000) {
        return false;
      } else {
        delay(1);
      }
    }
    return true;
  }

  bool receive(uint8_t &type, std::vector<uint8_t> &body) {
    uint8_t byte;
    size_t length = 0;
    if (!take(&type, 1)) return false;
    for (int shift = 0; shift < 28; shift += 7) {
      if (!take(&byte, 1)) return false;
      length |= static_cast<size_t>(byte & 127) << shift;
      if (byte < 128) break;
    }
    body.resize(length);
    return length == 0 || take(body.data(), length);
  }
};
