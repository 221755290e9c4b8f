// Hears of every operator as it ends, through TFLM's profiler, and reads its output where it lies: no arena of its own.
#ifndef LAYER_WATCH_H_
#define LAYER_WATCH_H_

#include <cstdint>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "ts_layers.h"

class WatchedInterpreter : public tflite::MicroInterpreter {
 public:
  using tflite::MicroInterpreter::MicroInterpreter;
  const TfLiteContext& Context() const { return context(); }
};

class LayerWatch : public tflite::MicroProfilerInterface {
 public:
  // Before each run: golden vector n is what the model has been given.
  void Start(const WatchedInterpreter& interpreter, uint32_t n);

  uint32_t BeginEvent(const char* tag) override;
  void EndEvent(uint32_t event_handle) override;

 private:
  const TfLiteContext* context_ = nullptr;
  uint32_t operator_ = 0;
  uint32_t next_layer_ = 0;
};

#endif
