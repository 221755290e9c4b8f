// Arduino and PlatformIO: the golden vectors on the serial console.
#include <Arduino.h>
#include <TensorFlowLite.h>

#include "model_check.h"

static void PrintLine(const char* line) { Serial.println(line); }

void setup() {
  Serial.begin(115200);
  while (!Serial) {
  }
  CheckModel(PrintLine);
}

void loop() {}
