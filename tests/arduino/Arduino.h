// What sketches take for granted, on a host: Arduino's own words over POSIX and OpenSSL, so that a sketch is compiled and run as it stands.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

inline unsigned long millis() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000ul + now.tv_nsec / 1000000;
}

inline void delay(unsigned long milliseconds) {
  const timespec wait = {static_cast<time_t>(milliseconds / 1000), static_cast<long>(milliseconds % 1000) * 1000000};
  nanosleep(&wait, nullptr);
}

inline long random(long bound) { return rand() % bound; }

inline void configTime(long, int, const char *) {}  // a host has the time

class Client {
 public:
  virtual int connect(const char *host, uint16_t port) = 0;
  virtual size_t write(const uint8_t *bytes, size_t size) = 0;
  virtual int available() = 0;
  virtual int read(uint8_t *into, size_t size) = 0;
  virtual void stop() = 0;
  virtual uint8_t connected() = 0;
  virtual ~Client() = default;
};
