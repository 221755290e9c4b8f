#include "layer_watch.h"

void LayerWatch::Start(const WatchedInterpreter& interpreter, uint32_t n) {
  context_ = &interpreter.Context();
  operator_ = next_layer_ = 0;
  ts_layers_start(n);
}

uint32_t LayerWatch::BeginEvent(const char*) { return operator_; }

void LayerWatch::EndEvent(uint32_t) {
  if (context_ != nullptr && next_layer_ < ts_layers_count() && ts_layer_operator(next_layer_) == operator_) {
    const TfLiteEvalTensor* output = context_->GetEvalTensor(context_, static_cast<int>(ts_layer_tensor(next_layer_)));
    ts_layer_done(next_layer_, output->data.raw);
    ++next_layer_;
  } else {
    ts_layer_done(TS_NO_LAYER, nullptr);
  }
  ++operator_;
}
