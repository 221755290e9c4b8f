/* Transposed convolutions, and products of two activations. */
#include "ts_fixed_point.h"
#include "ts_kernels.h"

/* The sum for one output value: of all input values whose window covers it. */
static int32_t ts_spread(const ts_window *w, const int8_t *weights, const int8_t *input, int32_t y, int32_t x) {
    int32_t sum = 0;
    for (int32_t k_y = 0; k_y < w->k_h; ++k_y) {
        const int32_t from_y = y + w->pad_top - k_y;
        if (from_y < 0 || from_y % w->stride_h != 0 || from_y / w->stride_h >= w->in_h) {
            continue;
        }
        for (int32_t k_x = 0; k_x < w->k_w; ++k_x) {
            const int32_t from_x = x + w->pad_left - k_x;
            if (from_x < 0 || from_x % w->stride_w != 0 || from_x / w->stride_w >= w->in_w) {
                continue;
            }
            const int8_t *pixel = input + ((size_t)(from_y / w->stride_h) * w->in_w + (size_t)(from_x / w->stride_w)) * w->in_c;
            const int8_t *filter = weights + ((size_t)k_y * w->k_w + (size_t)k_x) * w->in_c;
            for (size_t c = 0; c < w->in_c; ++c) {
                sum += (pixel[c] - w->in_zero) * filter[c];
            }
        }
    }
    return sum;
}

void ts_transpose_conv(const ts_window *w, const ts_filter *filter, const int8_t *input, int8_t *output, void *scratch) {
    const size_t window = (size_t)w->k_h * w->k_w * w->in_c;
    (void)scratch;
    for (int32_t y = 0; y < w->out_h; ++y) {
        for (int32_t x = 0; x < w->out_w; ++x) {
            for (size_t c = 0; c < w->out_c; ++c) {
                const int32_t sum = ts_spread(w, filter->weights + c * window, input, y, x) + filter->bias[c];
                const int32_t code = ts_scaled(sum, filter->multiplier[c], filter->shift[c]) + w->out_zero;
                *output++ = (int8_t)ts_clamped(code, w->low, w->high);
            }
        }
    }
}

void ts_batch_matmul(const ts_batch_matmul_parameters *p, const int8_t *a, const int8_t *b, int8_t *output) {
    for (uint32_t batch = 0; batch < p->batches; ++batch) {
        for (uint32_t row = 0; row < p->rows; ++row) {
            for (uint32_t column = 0; column < p->columns; ++column) {
                const int8_t *left = a + (size_t)batch * p->a_batch + (size_t)row * p->a_row;
                const int8_t *right = b + (size_t)batch * p->b_batch + (size_t)column * p->b_column;
                int32_t sum = 0;
                for (size_t k = 0; k < p->depth; ++k) {
                    sum += (left[k * p->a_depth] - p->a_zero) * (right[k * p->b_depth] - p->b_zero);
                }
                *output++ = (int8_t)ts_clamped(ts_scaled(sum, p->multiplier, p->shift) + p->out_zero, -128, 127);
            }
        }
    }
}
