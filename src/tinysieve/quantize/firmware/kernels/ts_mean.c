/* Mean over neighbouring axes (of an image: height and width); the multiplier holds the division by the number of pixels. */
#include "ts_fixed_point.h"
#include "ts_kernels.h"

void ts_mean(const ts_mean_parameters *p, const int8_t *input, int8_t *output) {
    for (uint32_t image = 0; image < p->images; ++image) {
        for (uint32_t c = 0; c < p->channels; ++c) {
            int32_t sum = 0;
            for (uint32_t i = 0; i < p->pixels; ++i) {
                sum += input[(size_t)i * p->channels + c] - p->in_zero;
            }
            *output++ = (int8_t)ts_clamped(ts_scaled(sum, p->multiplier, p->shift) + p->out_zero, -128, 127);
        }
        input += (size_t)p->pixels * p->channels;
    }
}
