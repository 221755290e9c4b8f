/* Convolutions by the portable kernels of bakenn, a band of rows a call so that an output may eat its input. */
#include "bakenn_portable.h"
#include "ts_band.h"

void ts_conv2d(const ts_window *w, const ts_filter *filter, const int8_t *input, int8_t *output, void *scratch) {
    const int32_t *shifts = ts_unpacked_shifts(w, filter, scratch);
    for (size_t y = 0; y < w->out_h; y += w->rows) {
        const ts_band b = ts_band_at(w, y, input, output);
        bakenn_conv2d_s8(b.input, filter->weights, filter->bias, filter->multiplier, shifts, b.output, b.in_h, w->in_w,
                         w->in_c, b.out_h, w->out_w, w->out_c, w->groups, w->k_h, w->k_w, w->stride_h, w->stride_w,
                         w->dilation_h, w->dilation_w, b.pad, w->pad_left, w->in_zero, w->out_zero, w->low, w->high);
    }
}

void ts_depthwise(const ts_window *w, const ts_filter *filter, const int8_t *input, int8_t *output, void *scratch) {
    const int32_t *shifts = ts_unpacked_shifts(w, filter, scratch);
    for (size_t y = 0; y < w->out_h; y += w->rows) {
        const ts_band b = ts_band_at(w, y, input, output);
        bakenn_depthwise_conv2d_s8(b.input, filter->weights, filter->bias, filter->multiplier, shifts, b.output, b.in_h,
                                   w->in_w, w->in_c, b.out_h, w->out_w, w->out_c, w->k_h, w->k_w,
                                   (size_t)(w->out_c / w->in_c), w->stride_h, w->stride_w, w->dilation_h,
                                   w->dilation_w, b.pad, w->pad_left, w->in_zero, w->out_zero, w->low, w->high);
    }
}
