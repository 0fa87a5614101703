// A host's network is there already.
#pragma once
#include "Arduino.h"

enum { WL_CONNECTED = 3 };

struct HostNetwork {
  void begin(const char *, const char *) {}
  int status() const { return WL_CONNECTED; }
};
inline HostNetwork WiFi;
