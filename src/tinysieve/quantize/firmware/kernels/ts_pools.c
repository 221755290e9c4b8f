/* Pools by the portable kernels of bakenn, a band of rows a call so that an output may eat its input. */
#include "bakenn_portable.h"
#include "ts_band.h"

void ts_average_pool(const ts_window *w, const int8_t *input, int8_t *output) {
    for (size_t y = 0; y < w->out_h; y += w->rows) {
        const ts_band b = ts_band_at(w, y, input, output);
        bakenn_average_pool2d_s8(b.input, b.output, b.in_h, w->in_w, w->in_c, b.out_h, w->out_w, w->k_h, w->k_w,
                                 w->stride_h, w->stride_w, b.pad, w->pad_left, w->in_zero, 0, w->low, w->high);
    }
}

void ts_max_pool(const ts_window *w, const int8_t *input, int8_t *output) {
    for (size_t y = 0; y < w->out_h; y += w->rows) {
        const ts_band b = ts_band_at(w, y, input, output);
        bakenn_max_pool2d_s8(b.input, b.output, b.in_h, w->in_w, w->in_c, b.out_h, w->out_w, w->k_h, w->k_w,
                             w->stride_h, w->stride_w, b.pad, w->pad_left, w->low, w->high);
    }
}
