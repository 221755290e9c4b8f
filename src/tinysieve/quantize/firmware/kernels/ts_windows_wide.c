/* Convolutions for processors that multiply eight pairs of int16 at once, written so that a compiler sees it: a window is
   gathered as int16 and multiplied with one filter after the other. The same sums as the other kernels give. */
#include "ts_band.h"
#include "ts_fixed_point.h"

static inline int8_t ts_code(const ts_window *w, const ts_filter *filter, size_t channel, int32_t sum) {
    const int32_t scaled = ts_scaled(sum + filter->bias[channel], filter->multiplier[channel], filter->shift[channel]);
    return (int8_t)ts_clamped(scaled + w->out_zero, w->low, w->high);
}

/* What lies beyond the border counts as zero. */
static void ts_gather(const ts_window *w, const int8_t *input, size_t y, size_t x, int16_t *columns) {
    for (size_t ky = 0; ky < w->k_h; ++ky) {
        const ptrdiff_t row = (ptrdiff_t)(y * w->stride_h + ky * w->dilation_h) - w->pad_top;
        for (size_t kx = 0; kx < w->k_w; ++kx, columns += w->in_c) {
            const ptrdiff_t column = (ptrdiff_t)(x * w->stride_w + kx * w->dilation_w) - w->pad_left;
            const int inside = row >= 0 && row < w->in_h && column >= 0 && column < w->in_w;
            const int8_t *pixel = inside ? input + ((size_t)row * w->in_w + (size_t)column) * w->in_c : input;
            for (size_t c = 0; c < w->in_c; ++c) {
                columns[c] = inside ? (int16_t)(pixel[c] - w->in_zero) : 0;
            }
        }
    }
}

static int32_t ts_dot(const int16_t *values, const int8_t *weights, size_t count) {
    int32_t sum = 0;
    for (size_t i = 0; i < count; ++i) {
        sum += (int32_t)values[i] * (int16_t)weights[i];
    }
    return sum;
}

/* The part of a gathered window that one group of channels reads. */
static int32_t ts_group_dot(const ts_window *w, const int16_t *columns, const int8_t *weights, size_t group) {
    const size_t channels = (size_t)(w->in_c / w->groups), places = (size_t)w->k_h * w->k_w;
    int32_t sum = 0;
    if (w->groups == 1) {
        return ts_dot(columns, weights, places * channels);
    }
    for (size_t place = 0; place < places; ++place) {
        sum += ts_dot(columns + place * w->in_c + group * channels, weights + place * channels, channels);
    }
    return sum;
}

void ts_conv2d(const ts_window *w, const ts_filter *filter, const int8_t *input, int8_t *output, void *scratch) {
    int16_t *columns = (int16_t *)scratch;
    const size_t weights = (size_t)w->k_h * w->k_w * (size_t)(w->in_c / w->groups);
    for (size_t y = 0; y < w->out_h; ++y) {
        for (size_t x = 0; x < w->out_w; ++x, output += w->out_c) {
            ts_gather(w, input, y, x, columns);
            for (size_t c = 0; c < w->out_c; ++c) {
                const size_t group = c / (size_t)(w->out_c / w->groups);
                output[c] = ts_code(w, filter, c, ts_group_dot(w, columns, filter->weights + c * weights, group));
            }
        }
    }
}

void ts_depthwise(const ts_window *w, const ts_filter *filter, const int8_t *input, int8_t *output, void *scratch) {
    int32_t *sums = (int32_t *)scratch;
    int16_t *columns = (int16_t *)(sums + w->out_c);
    const size_t places = (size_t)w->k_h * w->k_w, copies = (size_t)(w->out_c / w->in_c);
    for (size_t y = 0; y < w->out_h; ++y) {
        for (size_t x = 0; x < w->out_w; ++x, output += w->out_c) {
            ts_gather(w, input, y, x, columns);
            for (size_t c = 0; c < w->out_c; ++c) {
                sums[c] = 0;
            }
            for (size_t place = 0; place < places; ++place) {
                const int16_t *values = columns + place * w->in_c;
                const int8_t *weights = filter->weights + place * w->out_c;
                for (size_t c = 0; copies == 1 && c < w->out_c; ++c) {
                    sums[c] += (int32_t)values[c] * weights[c];
                }
                for (size_t c = 0; copies != 1 && c < w->out_c; ++c) {
                    sums[c] += (int32_t)values[c / copies] * weights[c];
                }
            }
            for (size_t c = 0; c < w->out_c; ++c) {
                output[c] = ts_code(w, filter, c, sums[c]);
            }
        }
    }
}
