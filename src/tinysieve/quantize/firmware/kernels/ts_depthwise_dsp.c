/* Depthwise convolutions by pairs of products along a row. Channels lie side by side in memory, so that neither neighbours of a
   row nor their weights come in pairs; four channels at a time are therefore laid out as rows of int16, each input row once
   for all output rows that need it. */
#include "bakenn_portable.h"
#include "ts_band.h"
#include "ts_dsp.h"

#define TS_TOGETHER 4
#define TS_WIDEST 16

/* Pairs in a row: its borders, and what the last two outputs read beyond it. The generator counts the same. */
static size_t ts_row_words(const ts_window *w) {
    const size_t outputs = (w->out_w + 1u) / 2 * 2, columns = (outputs - 1) * w->stride_w + 2 * (w->k_w / 2u + 1);
    const size_t padded = (size_t)w->pad_left + w->in_w;
    return ((columns > padded ? columns : padded) + 1) / 2;
}

static int ts_takes_rows(const ts_window *w) {
    return w->in_c == w->out_c && w->dilation_h == 1 && w->dilation_w == 1 && w->stride_w <= 2 && w->k_h <= TS_WIDEST
        && w->k_w <= TS_WIDEST;
}

/* What a group of channels works with: rows of `words` pairs, k_h of them a channel in a ring; weights in pairs. */
typedef struct {
    ts_codes codes;
    const ts_window *w;
    size_t words, pairs, first, channels;
    uint32_t less_zero;
    uint32_t *rows;    /* [channels][k_h][words] */
    uint32_t *weights; /* [channels][k_h][pairs] of two: for even columns, and shifted by one for odd ones */
} ts_group;

TS_INLINE uint32_t *ts_ring_row(const ts_group *g, size_t channel, size_t slot) {
    return g->rows + (channel * g->w->k_h + slot) * g->words;
}

/* Weights [ky][kx][channel] of one channel as pairs; what is missing beside an odd one is 0. */
static void ts_pair_weights(const ts_group *g, const int8_t *weights, size_t channel) {
    const size_t k_w = g->w->k_w;
    uint32_t *pair = g->weights + channel * g->w->k_h * g->pairs * 2;
    for (size_t ky = 0; ky < g->w->k_h; ++ky, weights += k_w * g->w->out_c) {
        uint32_t before = 0;
        for (size_t kx = 0; kx < 2 * g->pairs; kx += 2, pair += 2) {
            const uint32_t first = kx < k_w ? (uint32_t)(int32_t)weights[kx * g->w->out_c + channel] : 0;
            const uint32_t second = kx + 1 < k_w ? (uint32_t)(int32_t)weights[(kx + 1) * g->w->out_c + channel] : 0;
            pair[0] = ts_low_halves(first, second);
            pair[1] = ts_low_halves(before, first);
            before = second;
        }
    }
}

/* One column of up to four channels. */
static void ts_put_column(const ts_group *g, const int8_t *codes, ts_half *at) {
    for (size_t c = 0; c < g->channels; ++c) {
        at[c * g->w->k_h * g->words * 2] = (ts_half)(codes[c] - g->w->in_zero);
    }
}

/* One input row of all channels into its slot; the borders left and right stay 0. */
static void ts_put_row(const ts_group *g, const int8_t *codes, size_t slot) {
    const size_t plane = g->w->k_h * g->words, step = g->w->in_c, pad = g->w->pad_left;
    ts_half *const first = (ts_half *)ts_ring_row(g, 0, slot);
    size_t x = 0;
    if (pad & 1) {
        ts_put_column(g, codes, first + pad);
        x = 1;
    }
    if (g->channels == TS_TOGETHER) {
        const int8_t *pixel = codes + x * step;
        uint32_t *word = ts_ring_row(g, 0, slot) + (x + pad) / 2;
        for (; x + 2 <= g->w->in_w; x += 2, pixel += 2 * step, ++word) {
            const uint32_t here = ts_four_codes(pixel), next = ts_four_codes(pixel + step);
            const uint32_t even = ts_even_codes(here, g->less_zero), odd = ts_odd_codes(here, g->less_zero);
            const uint32_t next_even = ts_even_codes(next, g->less_zero), next_odd = ts_odd_codes(next, g->less_zero);
            word[0] = ts_low_halves(even, next_even);
            word[plane] = ts_low_halves(odd, next_odd);
            word[2 * plane] = ts_high_halves(even, next_even);
            word[3 * plane] = ts_high_halves(odd, next_odd);
        }
    }
    for (; x < g->w->in_w; ++x) {
        ts_put_column(g, codes + x * step, first + pad + x);
    }
}

static void ts_clear(uint32_t *words, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        words[i] = 0;
    }
}

/* The input rows that output row y reads and that are not there yet; above and below the image they are 0. */
static size_t ts_put_rows(const ts_group *g, const ts_band *b, const int8_t *input, size_t y, size_t done) {
    const size_t begin = y * g->w->stride_h, end = begin + g->w->k_h;
    for (size_t row = done > begin ? done : begin; row < end; ++row) {
        const size_t slot = row % g->w->k_h;
        if (row >= b->pad && row - b->pad < b->in_h) {
            ts_put_row(g, input + (row - b->pad) * g->w->in_w * g->w->in_c, slot);
            continue;
        }
        for (size_t c = 0; c < g->channels; ++c) {
            ts_clear(ts_ring_row(g, c, slot), g->words);
        }
    }
    return end;
}

/* `outputs` neighbours, from the pair at which the first begins. With a step of one, two neighbours begin in each pair. */
TS_INLINE void ts_row_sums(const uint32_t *const *rows, const uint32_t *weights, size_t k_h, size_t pairs, size_t stride,
                           size_t at, int32_t *sums, size_t outputs) {
    for (size_t ky = 0; ky < k_h; ++ky) {
        const uint32_t *const row = rows[ky] + at;
        for (size_t i = 0; i < pairs; ++i, weights += 2) {
            for (size_t n = 0; n < outputs; ++n) {
                sums[n] = stride == 1 ? ts_two_products(row[i + n / 2], weights[n & 1], sums[n])
                                      : ts_two_products(row[i + n], weights[0], sums[n]);
            }
        }
    }
}

/* One output row of a channel: four neighbours at once, then two. */
TS_INLINE void ts_output_row(const ts_group *g, size_t channel, const uint32_t *const *rows, const uint32_t *weights,
                             int8_t *output, size_t k_h, size_t pairs, size_t stride) {
    const int32_t bias = g->codes.filter->bias[channel];
    const size_t out_w = g->w->out_w;
    size_t x = 0;
    TS_NOT_UNROLLED
    for (; x + 4 <= out_w; x += 4, output += 4 * g->codes.step) {
        int32_t sums[4] = {bias, bias, bias, bias};
        ts_row_sums(rows, weights, k_h, pairs, stride, x * stride / 2, sums, 4);
        ts_write_codes(&g->codes, channel, sums, 4, output);
    }
    TS_NOT_UNROLLED
    for (; x < out_w; x += 2, output += 2 * g->codes.step) {
        int32_t sums[2] = {bias, bias};
        ts_row_sums(rows, weights, k_h, pairs, stride, x * stride / 2, sums, 2);
        ts_write_codes(&g->codes, channel, sums, x + 1 < out_w ? 2 : 1, output);
    }
}

/* The usual sizes by themselves, so that a compiler unrolls them. */
TS_APART void ts_channel_row(const ts_group *g, size_t member, size_t y, int8_t *output) {
    const ts_window *w = g->w;
    const uint32_t *rows[TS_WIDEST], *const weights = g->weights + member * w->k_h * g->pairs * 2;
    const size_t channel = g->first + member;
    size_t slot = y * w->stride_h % w->k_h;
    for (size_t ky = 0; ky < w->k_h; ++ky) {
        rows[ky] = ts_ring_row(g, member, slot);
        slot = slot + 1 == w->k_h ? 0 : slot + 1;
    }
    if (w->stride_w == 2) {
        ts_output_row(g, channel, rows, weights, output, w->k_h, g->pairs, 2);
    } else if (w->k_h == 3 && w->k_w == 3) {
        ts_output_row(g, channel, rows, weights, output, 3, 2, 1);
    } else if (w->k_h == 5 && w->k_w == 5) {
        ts_output_row(g, channel, rows, weights, output, 5, 3, 1);
    } else if (w->k_h == 7 && w->k_w == 7) {
        ts_output_row(g, channel, rows, weights, output, 7, 4, 1);
    } else {
        ts_output_row(g, channel, rows, weights, output, w->k_h, g->pairs, 1);
    }
}

static void ts_depthwise_band(const ts_window *w, const ts_filter *filter, const ts_band *b, uint32_t *scratch) {
    ts_group g = {ts_codes_of(w, filter), w, ts_row_words(w), w->k_w / 2 + 1, 0, TS_TOGETHER, ts_twice(-w->in_zero), scratch, 0};
    g.weights = scratch + TS_TOGETHER * w->k_h * g.words;
    ts_clear(scratch, TS_TOGETHER * w->k_h * g.words);
    for (g.first = 0; g.first < w->out_c; g.first += TS_TOGETHER) {
        size_t done = 0;
        g.channels = w->out_c - g.first < TS_TOGETHER ? w->out_c - g.first : TS_TOGETHER;
        for (size_t i = 0; i < g.channels; ++i) {
            ts_pair_weights(&g, filter->weights + g.first, i);
        }
        for (size_t y = 0; y < b->out_h; ++y) {
            done = ts_put_rows(&g, b, b->input + g.first, y, done);
            for (size_t i = 0; i < g.channels; ++i) {
                ts_channel_row(&g, i, y, b->output + y * w->out_w * w->out_c + g.first + i);
            }
        }
    }
}

void ts_depthwise(const ts_window *w, const ts_filter *filter, const int8_t *input, int8_t *output, void *scratch) {
    const int ours = ts_takes_rows(w);
    const int32_t *shifts = ours ? 0 : ts_unpacked_shifts(w, filter, scratch);
    for (size_t y = 0; y < w->out_h; y += w->rows) {
        const ts_band b = ts_band_at(w, y, input, output);
        if (ours) {
            ts_depthwise_band(w, filter, &b, (uint32_t *)scratch);
            continue;
        }
        bakenn_depthwise_conv2d_s8(b.input, filter->weights, filter->bias, filter->multiplier, shifts, b.output, b.in_h,
                                   w->in_w, w->in_c, b.out_h, w->out_w, w->out_c, w->k_h, w->k_w,
                                   (size_t)(w->out_c / w->in_c), w->stride_h, w->stride_w, w->dilation_h,
                                   w->dilation_w, b.pad, w->pad_left, w->in_zero, w->out_zero, w->low, w->high);
    }
}
