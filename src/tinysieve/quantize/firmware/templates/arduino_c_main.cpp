// The golden vectors of the C project on the serial console; the layer that differs first where TS_WATCH_LAYERS is set.
#include <Arduino.h>
#include <stdio.h>

#include "ts_model_check.h"
#ifdef TS_WATCH_LAYERS
#include "ts_layers.h"
#endif

static char line[96];

static void Report(uint32_t vector, int differences) {
  int used = snprintf(line, sizeof(line), "vector %u: %s", static_cast<unsigned>(vector), differences ? "FAIL" : "pass");
#ifdef TS_WATCH_LAYERS
  const int layer = ts_layers_first_difference();
  if (differences) {
    snprintf(line + used, sizeof(line) - used, ", first in %s",
             layer < 0 ? "none of the layers that are watched" : ts_layer_name(layer));
  }
#else
  static_cast<void>(used);
#endif
  Serial.println(line);
}

void setup() {
  Serial.begin(115200);
  while (!Serial) {
  }
  const int failures = ts_model_check(Report);
#ifdef TS_WATCH_LAYERS
  for (uint32_t layer = 0; layer < ts_layers_count(); ++layer) {
    if (ts_layer_cycles(layer)) {
      snprintf(line, sizeof(line), "%10lu cycles  %s", static_cast<unsigned long>(ts_layer_cycles(layer)), ts_layer_name(layer));
      Serial.println(line);
    }
  }
#endif
  Serial.println(failures ? "FAIL" : "PASS");
}

void loop() {}
