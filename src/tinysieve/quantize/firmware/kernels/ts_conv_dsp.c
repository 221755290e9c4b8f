/* Convolutions by pairs of products: four pixels at once, so that a weight is loaded and widened once for four sums. The
   windows of the four lie side by side, widened to int16, in the order in which weights come out of their words. */
#include "bakenn_portable.h"
#include "ts_band.h"
#include "ts_dsp.h"

#define TS_PIXELS 4
/* Of a channel: a sum of more could reach 2^30, see ts_is_quick. */
#define TS_MOST_PRODUCTS 16384

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

static int8_t *ts_copied(int8_t *to, const int8_t *from, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        *to++ = from[i];
    }
    return to;
}

static int8_t *ts_filled(int8_t *to, int32_t value, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        *to++ = (int8_t)value;
    }
    return to;
}

/* One row under a window that has no holes: what lies beyond the borders left and right, and the run between. */
static int8_t *ts_run(const ts_window *w, const int8_t *row, ptrdiff_t first, int8_t *codes) {
    const ptrdiff_t end = first + w->k_w, begin = first < 0 ? 0 : first, stop = end > w->in_w ? w->in_w : end;
    codes = ts_filled(codes, w->in_zero, (size_t)(begin - first) * w->in_c);
    codes = ts_copied(codes, row + (size_t)begin * w->in_c, (size_t)(stop - begin) * w->in_c);
    return ts_filled(codes, w->in_zero, (size_t)(end - stop) * w->in_c);
}

/* The codes under one window, row by row; what lies beyond the border counts as the zero point. */
static void ts_window_codes(const ts_window *w, const ts_band *b, size_t y, size_t x, int8_t *codes) {
    const ptrdiff_t first = (ptrdiff_t)(x * w->stride_w) - w->pad_left, last = first + (ptrdiff_t)(w->k_w - 1) * w->dilation_w;
    for (size_t ky = 0; ky < w->k_h; ++ky) {
        const ptrdiff_t y_in = (ptrdiff_t)(y * w->stride_h + ky * w->dilation_h) - (ptrdiff_t)b->pad;
        if (y_in < 0 || y_in >= (ptrdiff_t)b->in_h) {
            codes = ts_filled(codes, w->in_zero, (size_t)w->k_w * w->in_c);
            continue;
        }
        const int8_t *const row = b->input + (size_t)y_in * w->in_w * w->in_c;
        if (w->dilation_w == 1 && first < w->in_w && last >= 0) {
            codes = ts_run(w, row, first, codes);
        } else {
            for (ptrdiff_t x_in = first; x_in <= last; x_in += w->dilation_w) {
                const int inside = x_in >= 0 && x_in < w->in_w;
                codes = inside ? ts_copied(codes, row + x_in * w->in_c, w->in_c) : ts_filled(codes, w->in_zero, w->in_c);
            }
        }
    }
}

/* Up to three weights behind the last whole word. */
TS_APART uint32_t ts_last_weights(const int8_t *weights, size_t count) {
    uint32_t word = 0;
    for (size_t i = 0; i < count; ++i) {
        word |= (uint32_t)(uint8_t)weights[i] << 8 * i;
    }
    return word;
}

TS_INLINE void ts_four_weights(uint32_t word, const uint32_t *columns, int32_t *sums, size_t pixels) {
    const uint32_t even = ts_even_weights(word), odd = ts_odd_weights(word);
    for (size_t p = 0; p < pixels; ++p) {
        sums[p] = ts_two_products(columns[2 * p], even, sums[p]);
        sums[p] = ts_two_products(columns[2 * p + 1], odd, sums[p]);
    }
}

/* Windows that lie ready, and what is done with them. */
typedef struct {
    ts_codes codes;
    const uint32_t *columns;
    size_t steps, rest; /* codes of a window: 4 * steps + rest */
} ts_columns;

/* One output channel of `pixels` windows. */
TS_INLINE void ts_channel(const ts_columns *ready, size_t channel, const int8_t *weights, int8_t *output, size_t pixels) {
    const uint32_t *columns = ready->columns;
    const int32_t bias = ready->codes.filter->bias[channel];
    int32_t sums[TS_PIXELS];
    for (size_t p = 0; p < pixels; ++p) {
        sums[p] = bias;
    }
    TS_NOT_UNROLLED
    for (size_t steps = ready->steps; steps > 0; --steps, weights += 4, columns += 2 * TS_PIXELS) {
        ts_four_weights(ts_four_codes(weights), columns, sums, pixels);
    }
    if (ready->rest) {
        ts_four_weights(ts_last_weights(weights, ready->rest), columns, sums, pixels);
    }
    ts_write_codes(&ready->codes, channel, sums, pixels, output);
}

TS_APART void ts_channel_of_four(const ts_columns *ready, size_t channel, const int8_t *weights, int8_t *output) {
    ts_channel(ready, channel, weights, output, TS_PIXELS);
}

TS_APART void ts_channel_of_one(const ts_columns *ready, size_t channel, const int8_t *weights, int8_t *output) {
    ts_channel(ready, channel, weights, output, 1);
}

static void ts_channels(const ts_columns *ready, size_t pixels, int8_t *output) {
    const int8_t *weights = ready->codes.filter->weights;
    const size_t count = 4 * ready->steps + ready->rest;
    for (size_t c = 0; c < ready->codes.step; ++c, weights += count) {
        (pixels == TS_PIXELS ? ts_channel_of_four : ts_channel_of_one)(ready, c, weights, output + c);
    }
}

static void ts_conv_band(const ts_window *w, const ts_filter *filter, const ts_band *b, uint32_t *columns) {
    const size_t count = (size_t)w->k_h * w->k_w * w->in_c, pixels = b->out_h * w->out_w;
    const int plain = w->k_h == 1 && w->k_w == 1 && b->pad == 0 && w->pad_left == 0 && w->stride_h == 1 && w->stride_w == 1;
    int8_t *const codes = (int8_t *)(columns + 2 * TS_PIXELS * ((count + 3) / 4));
    const uint32_t less_zero = ts_twice(-w->in_zero);
    const ts_columns ready = {ts_codes_of(w, filter), columns, count / 4, count & 3};
    size_t y = 0, x = 0;
    for (size_t at = 0; at < pixels;) {
        const size_t together = pixels - at < TS_PIXELS ? 1 : TS_PIXELS;
        for (size_t p = 0; p < together; ++p) {
            if (!plain) {
                ts_window_codes(w, b, y, x, codes);
            }
            ts_widen(plain ? b->input + (at + p) * count : codes, count, less_zero, columns + 2 * p);
            y += ++x == w->out_w;
            x = x == w->out_w ? 0 : x;
        }
        ts_channels(&ready, together, b->output + at * w->out_c);
        at += together;
    }
}

void ts_conv2d(const ts_window *w, const ts_filter *filter, const int8_t *input, int8_t *output, void *scratch) {
    const int ours = w->groups == 1 && (size_t)w->k_h * w->k_w * w->in_c <= TS_MOST_PRODUCTS;
    const int32_t *shifts = ours ? 0 : ts_unpacked_shifts(w, filter, scratch);
    for (size_t y = 0; y < w->out_h; y += w->rows) {
        const ts_band b = ts_band_at(w, y, input, output);
        if (ours) {
            ts_conv_band(w, filter, &b, (uint32_t *)scratch);
        } else {
            bakenn_conv2d_s8(b.input, filter->weights, filter->bias, filter->multiplier, shifts, b.output, b.in_h,
                             w->in_w, w->in_c, b.out_h, w->out_w, w->out_c, w->groups, w->k_h, w->k_w, w->stride_h,
                             w->stride_w, w->dilation_h, w->dilation_w, b.pad, w->pad_left, w->in_zero, w->out_zero,
                             w->low, w->high);
        }
    }
}
