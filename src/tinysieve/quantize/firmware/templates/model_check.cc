#include "model_check.h"

#include <cstdint>
#include <cstdio>

#include "golden_outputs.h"
#include "model_data.h"
#include "model_settings.h"
#include "op_resolver.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "ts_golden.h"

namespace {
ARENA_ATTRIBUTE alignas(16) uint8_t arena[kArenaBytes];
}

int CheckModel(void (*print)(const char* line)) {
  static ModelOpResolver resolver;
  if (!AddModelOps(resolver)) {
    print("FAIL: an operator could not be added");
    return -1;
  }
  static tflite::MicroInterpreter interpreter(tflite::GetModel(model_data), resolver, arena, kArenaBytes);
  if (interpreter.AllocateTensors() != kTfLiteOk) {
    print("FAIL: the arena is too small, or an operator is missing");
    return -1;
  }
  char line[64];
  int failures = 0;
  for (uint32_t n = 0; n < TS_GOLDEN_VECTORS; ++n) {
    ts_golden_input(n, interpreter.input(0)->data.uint8);
    const bool ran = interpreter.Invoke() == kTfLiteOk;
    int differences = ran ? 0 : 1;
    for (uint32_t output = 0; ran && output < TS_GOLDEN_OUTPUTS; ++output) {
      differences += ts_golden_differences(n, output, interpreter.output(output)->data.uint8);
    }
    const bool equal = differences == 0;
    snprintf(line, sizeof(line), "vector %u: %s", static_cast<unsigned>(n), equal ? "pass" : "FAIL");
    print(line);
    failures += equal ? 0 : 1;
  }
  snprintf(line, sizeof(line), "%s: %d of %d golden vectors equal", failures ? "FAIL" : "PASS",
           TS_GOLDEN_VECTORS - failures, TS_GOLDEN_VECTORS);
  print(line);
  return failures;
}
