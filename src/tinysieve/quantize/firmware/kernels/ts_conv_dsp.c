/* Convolutions by pairs of products: four pixels at once, so that a weight is loaded and widened once for four sums. The
   windows of the four lie side by side, widened to int16, in the order in which weights come out of their words. */
#include "bakenn_portable.h"
#include "ts_band.h"
#include "ts_dsp.h"

#define TS_PIXELS 4

/* `count` codes of one window, four a step, into its place among the four: less the zero point, so that a missing code is 0. */
static void ts_widen(const int8_t *codes, size_t count, uint32_t less_zero, uint32_t *place) {
    size_t at = 0;
    for (; at + 4 <= count; at += 4, place += 2 * TS_PIXELS) {
        const uint32_t word = ts_four_codes(codes + at);
        place[0] = ts_even_codes(word, less_zero);
        place[1] = ts_odd_codes(word, less_zero);
    }
    if (at < count) {
        uint32_t values[4] = {0, 0, 0, 0};
        for (size_t i = 0; at + i < count; ++i) {
            values[i] = (uint32_t)((int32_t)codes[at + i] + (int32_t)(int16_t)(uint16_t)less_zero);
        }
        place[0] = ts_low_halves(values[0], values[2]);
        place[1] = ts_low_halves(values[1], values[3]);
    }
}

/* The codes under one window, row by row; what lies beyond the border counts as the zero point. */
static void ts_window_codes(const ts_window *w, const ts_band *b, size_t y, size_t x, int8_t *codes) {
    for (size_t ky = 0; ky < w->k_h; ++ky) {
        const ptrdiff_t row = (ptrdiff_t)(y * w->stride_h + ky * w->dilation_h) - (ptrdiff_t)b->pad;
        for (size_t kx = 0; kx < w->k_w; ++kx) {
            const ptrdiff_t column = (ptrdiff_t)(x * w->stride_w + kx * w->dilation_w) - w->pad_left;
            const int inside = row >= 0 && row < (ptrdiff_t)b->in_h && column >= 0 && column < w->in_w;
            const int8_t *pixel = inside ? b->input + ((size_t)row * w->in_w + (size_t)column) * w->in_c : 0;
            for (size_t c = 0; c < w->in_c; ++c) {
                *codes++ = inside ? pixel[c] : (int8_t)w->in_zero;
            }
        }
    }
}

/* Up to three weights behind the last whole word. */
static uint32_t ts_last_weights(const int8_t *weights, size_t count) {
    uint32_t word = 0;
    for (size_t i = 0; i < count; ++i) {
        word |= (uint32_t)(uint8_t)weights[i] << 8 * i;
    }
    return word;
}

TS_INLINE void ts_four_weights(uint32_t word, const uint32_t *columns, int32_t *sums, size_t pixels) {
    const uint32_t even = ts_even_codes(word, 0), odd = ts_odd_codes(word, 0);
    for (size_t p = 0; p < pixels; ++p) {
        sums[p] = ts_two_products(columns[2 * p], even, sums[p]);
        sums[p] = ts_two_products(columns[2 * p + 1], odd, sums[p]);
    }
}

/* All output channels of `pixels` windows of `count` codes. */
TS_INLINE void ts_filters(const ts_window *w, const ts_filter *filter, const uint32_t *columns, size_t count, int8_t *output,
                          size_t pixels) {
    const int8_t *weights = filter->weights;
    for (size_t c = 0; c < w->out_c; ++c) {
        const ts_scaling scaling = ts_scaling_of(w, filter, c, count);
        const int8_t *const end = weights + (count & ~(size_t)3);
        const uint32_t *column = columns;
        int32_t sums[TS_PIXELS];
        for (size_t p = 0; p < pixels; ++p) {
            sums[p] = scaling.bias;
        }
        for (; weights != end; weights += 4, column += 2 * TS_PIXELS) {
            ts_four_weights(ts_four_codes(weights), column, sums, pixels);
        }
        if (count & 3) {
            ts_four_weights(ts_last_weights(weights, count & 3), column, sums, pixels);
            weights += count & 3;
        }
        for (size_t p = 0; p < pixels; ++p) {
            output[p * w->out_c + c] = ts_code_of(&scaling, sums[p]);
        }
    }
}

static void ts_conv_band(const ts_window *w, const ts_filter *filter, const ts_band *b, uint32_t *columns) {
    const size_t count = (size_t)w->k_h * w->k_w * w->in_c, pixels = b->out_h * w->out_w;
    const int plain = w->k_h == 1 && w->k_w == 1 && b->pad == 0 && w->pad_left == 0 && w->stride_h == 1 && w->stride_w == 1;
    int8_t *const codes = (int8_t *)(columns + 2 * TS_PIXELS * ((count + 3) / 4));
    const uint32_t less_zero = ts_twice(-w->in_zero);
    size_t y = 0, x = 0;
    for (size_t at = 0; at < pixels; at += TS_PIXELS) {
        const size_t together = pixels - at < TS_PIXELS ? 1 : TS_PIXELS;
        for (size_t p = 0; p < together; ++p) {
            if (!plain) {
                ts_window_codes(w, b, y, x, codes);
            }
            ts_widen(plain ? b->input + (at + p) * count : codes, count, less_zero, columns + 2 * p);
            y += ++x == w->out_w;
            x = x == w->out_w ? 0 : x;
        }
        if (together == TS_PIXELS) {
            ts_filters(w, filter, columns, count, b->output + at * w->out_c, TS_PIXELS);
        } else {
            ts_filters(w, filter, columns, count, b->output + at * w->out_c, 1);
            at -= TS_PIXELS - 1;
        }
    }
}

void ts_conv2d(const ts_window *w, const ts_filter *filter, const int8_t *input, int8_t *output, void *scratch) {
    const int32_t *shifts = w->groups == 1 ? 0 : ts_unpacked_shifts(w, filter, scratch);
    for (size_t y = 0; y < w->out_h; y += w->rows) {
        const ts_band b = ts_band_at(w, y, input, output);
        if (w->groups == 1) {
            ts_conv_band(w, filter, &b, (uint32_t *)scratch);
        } else {
            bakenn_conv2d_s8(b.input, filter->weights, filter->bias, filter->multiplier, shifts, b.output, b.in_h,
                             w->in_w, w->in_c, b.out_h, w->out_w, w->out_c, w->groups, w->k_h, w->k_w, w->stride_h,
                             w->stride_w, w->dilation_h, w->dilation_w, b.pad, w->pad_left, w->in_zero, w->out_zero,
                             w->low, w->high);
        }
    }
}
