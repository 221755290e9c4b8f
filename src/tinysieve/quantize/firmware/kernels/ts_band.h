/* Which input rows a band of output rows reads. */
#ifndef TS_BAND_H
#define TS_BAND_H

#include "ts_kernels.h"

typedef struct {
    size_t pad;         /* rows that are missing above the input */
    size_t in_h, out_h; /* rows of the input from `input` on, rows to write */
    const int8_t *input;
    int8_t *output;
} ts_band;

/* The band of w->rows output rows (fewer at the end) that starts at output row y. */
static inline ts_band ts_band_at(const ts_window *w, size_t y, const int8_t *input, int8_t *output) {
    const size_t start = y * w->stride_h;
    size_t skip = start > w->pad_top ? start - w->pad_top : 0;
    ts_band band;
    skip = skip < w->in_h ? skip : w->in_h;
    band.pad = start < w->pad_top ? w->pad_top - start : 0;
    band.in_h = w->in_h - skip;
    band.out_h = (size_t)w->out_h - y < w->rows ? (size_t)w->out_h - y : w->rows;
    band.input = input + skip * w->in_w * w->in_c;
    band.output = output + y * w->out_w * w->out_c;
    return band;
}

/* Shifts lie in flash as bytes and are unpacked before use: three bytes a channel less flash. */
static inline int32_t *ts_unpacked_shifts(const ts_window *w, const ts_filter *filter, void *scratch) {
    int32_t *shifts = (int32_t *)scratch;
    for (size_t c = 0; c < w->out_c; ++c) {
        shifts[c] = filter->shift[c];
    }
    return shifts;
}

#endif
