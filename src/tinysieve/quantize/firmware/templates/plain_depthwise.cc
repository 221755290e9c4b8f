#include "plain_depthwise.h"

#include "tensorflow/lite/kernels/internal/reference/integer_ops/depthwise_conv.h"
#include "tensorflow/lite/micro/kernels/conv.h"
#include "tensorflow/lite/micro/kernels/depthwise_conv.h"
#include "tensorflow/lite/micro/kernels/kernel_util.h"

namespace {

constexpr int kInput = 0, kFilter = 1, kBias = 2, kOutput = 0;

void* Init(TfLiteContext* context, const char*, size_t) {
  return context->AllocatePersistentBuffer(context, sizeof(tflite::OpDataConv));
}

TfLiteStatus Eval(TfLiteContext* context, TfLiteNode* node) {
  namespace micro = tflite::micro;
  const auto& params = *static_cast<const TfLiteDepthwiseConvParams*>(node->builtin_data);
  const auto& data = *static_cast<const tflite::OpDataConv*>(node->user_data);
  const TfLiteEvalTensor* input = micro::GetEvalInput(context, node, kInput);
  const TfLiteEvalTensor* filter = micro::GetEvalInput(context, node, kFilter);
  const TfLiteEvalTensor* bias = node->inputs->size > kBias ? micro::GetEvalInput(context, node, kBias) : nullptr;
  TfLiteEvalTensor* output = micro::GetEvalOutput(context, node, kOutput);
  if (input->type != kTfLiteInt8 || filter->type != kTfLiteInt8) {
    return kTfLiteError;
  }
  tflite::reference_integer_ops::DepthwiseConvPerChannel(
      tflite::DepthwiseConvParamsQuantized(params, data), data.per_channel_output_multiplier,
      data.per_channel_output_shift, micro::GetTensorShape(input), micro::GetTensorData<int8_t>(input),
      micro::GetTensorShape(filter), micro::GetTensorData<int8_t>(filter), micro::GetTensorShape(bias),
      micro::GetOptionalTensorData<int32_t>(bias), micro::GetTensorShape(output), micro::GetTensorData<int8_t>(output));
  return kTfLiteOk;
}

}  // namespace

TFLMRegistration PlainDepthwise() { return tflite::micro::RegisterOp(Init, tflite::DepthwiseConvPrepare, Eval); }
