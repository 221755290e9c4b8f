// DEPTHWISE_CONV_2D by TFLM's reference kernel, for a board where the vendor's wants more scratch memory than there is.
#ifndef PLAIN_DEPTHWISE_H_
#define PLAIN_DEPTHWISE_H_

#include "tensorflow/lite/micro/micro_common.h"

TFLMRegistration PlainDepthwise();

#endif
