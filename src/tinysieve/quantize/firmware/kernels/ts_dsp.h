/* Pairs of int16 in one word, and the instructions of ARM's DSP extension that work on them (Cortex-M4, M7, M33). Every other
   compiler gets the same in plain C. */
#ifndef TS_DSP_H
#define TS_DSP_H

#include <stddef.h>
#include <stdint.h>

#include "ts_fixed_point.h"
#include "ts_kernels.h"

#if defined(__GNUC__)
#define TS_INLINE static inline __attribute__((always_inline))
#define TS_APART static __attribute__((noinline))
#define TS_COPY __builtin_memcpy
/* Half of a word that is also read whole. */
typedef int16_t __attribute__((may_alias)) ts_half;
#else
#include <string.h>
#define TS_INLINE static inline
#define TS_APART static
#define TS_COPY memcpy
typedef int16_t ts_half;
#endif

#if defined(__clang__)
#define TS_NOT_UNROLLED _Pragma("clang loop unroll(disable)")
#else
#define TS_NOT_UNROLLED
#endif

/* Four codes from any address: one load. */
TS_INLINE uint32_t ts_four_codes(const int8_t *codes) {
    uint32_t word;
    TS_COPY(&word, codes, sizeof word);
    return word;
}

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
#include <arm_acle.h>

/* Codes 0 and 2 as int16, plus the pair `offset`. */
TS_INLINE uint32_t ts_even_codes(uint32_t codes, uint32_t offset) {
    return (uint32_t)__sxtab16((int16x2_t)offset, (int8x4_t)codes);
}

TS_INLINE uint32_t ts_even_weights(uint32_t codes) {
    return (uint32_t)__sxtb16((int8x4_t)codes);
}

TS_INLINE uint32_t ts_odd_weights(uint32_t codes) {
    return (uint32_t)__sxtb16((int8x4_t)(codes >> 8 | codes << 24));
}

TS_INLINE uint32_t ts_odd_codes(uint32_t codes, uint32_t offset) {
    return (uint32_t)__sxtab16((int16x2_t)offset, (int8x4_t)(codes >> 8 | codes << 24));
}

/* sum + both products of two pairs. */
TS_INLINE int32_t ts_two_products(uint32_t a, uint32_t b, int32_t sum) {
    return __smlad((int16x2_t)a, (int16x2_t)b, sum);
}
#else
#define TS_LOW(pair) ((int32_t)(int16_t)(uint16_t)(pair))
#define TS_HIGH(pair) ((int32_t)(int16_t)(uint16_t)((pair) >> 16))
#define TS_PAIR(low, high) ((uint32_t)(uint16_t)(low) | (uint32_t)(uint16_t)(high) << 16)

TS_INLINE uint32_t ts_even_codes(uint32_t codes, uint32_t offset) {
    return TS_PAIR(TS_LOW(offset) + (int8_t)(uint8_t)codes, TS_HIGH(offset) + (int8_t)(uint8_t)(codes >> 16));
}

TS_INLINE uint32_t ts_odd_codes(uint32_t codes, uint32_t offset) {
    return ts_even_codes(codes >> 8, offset);
}

TS_INLINE uint32_t ts_even_weights(uint32_t codes) {
    return ts_even_codes(codes, 0);
}

TS_INLINE uint32_t ts_odd_weights(uint32_t codes) {
    return ts_odd_codes(codes, 0);
}

TS_INLINE int32_t ts_two_products(uint32_t a, uint32_t b, int32_t sum) {
    return sum + TS_LOW(a) * TS_LOW(b) + TS_HIGH(a) * TS_HIGH(b);
}
#endif

/* One value in both halves. */
TS_INLINE uint32_t ts_twice(int32_t value) {
    return (uint32_t)(uint16_t)value * UINT32_C(0x10001);
}

/* Low halves of a and b, and high halves. */
TS_INLINE uint32_t ts_low_halves(uint32_t a, uint32_t b) {
    return (a & UINT32_C(0xffff)) | b << 16;
}

TS_INLINE uint32_t ts_high_halves(uint32_t a, uint32_t b) {
    return a >> 16 | (b & UINT32_C(0xffff0000));
}

/* What all channels of a layer have in common when sums become codes. */
typedef struct {
    const ts_window *w;
    const ts_filter *filter;
    size_t step;              /* bytes from one output to the next of the same channel */
    int32_t low, span, below; /* span: high - low, below: high - zero */
} ts_codes;

TS_INLINE ts_codes ts_codes_of(const ts_window *w, const ts_filter *filter) {
    const ts_codes codes = {w, filter, w->out_c, w->low, w->high - w->low, w->high - w->out_zero};
    return codes;
}

/* Whether no care is needed: a factor below 1/2, and a sum below 2^30, since products of a code and a weight are below 2^15
   and the callers take no layer with more than 2^14 of them a channel. */
TS_INLINE int ts_is_quick(int shift, int32_t bias) {
    return (uint32_t)(-1 - shift) < 30 && (uint32_t)bias + (UINT32_C(1) << 29) < UINT32_C(1) << 30;
}

TS_INLINE int32_t ts_not_negative(int32_t value) {
    return value > 0 ? value : 0;
}

/* Of any channel. */
TS_APART void ts_careful_code(const ts_codes *codes, size_t channel, int32_t sum, int8_t *output) {
    const int32_t scaled = ts_scaled(sum, codes->filter->multiplier[channel], codes->filter->shift[channel]);
    *output = (int8_t)ts_clamped(scaled + codes->w->out_zero, codes->w->low, codes->w->high);
}

/* `outputs` sums of one channel as codes. Of a quick one: the rounded high product is (2 sum * multiplier + 2^31) >> 32, and
   its halves go away from zero; the code is low and what is left of span after what lies over it. */
TS_INLINE void ts_write_codes(const ts_codes *codes, size_t channel, const int32_t *sums, size_t outputs, int8_t *output) {
    const int shift = codes->filter->shift[channel];
    if (ts_is_quick(shift, codes->filter->bias[channel])) {
        const int32_t multiplier = codes->filter->multiplier[channel], half = 1 << (-1 - shift);
        const int32_t low = codes->low, span = codes->span, below = codes->below;
        for (size_t n = 0; n < outputs; ++n, output += codes->step) {
            const int32_t high = (int32_t)(((int64_t)(sums[n] * 2) * multiplier + (INT64_C(1) << 31)) >> 32);
            const int32_t scaled = (high + half + (high >> 31)) >> -shift;
            *output = (int8_t)(low + ts_not_negative(span - ts_not_negative(below - scaled)));
        }
        return;
    }
    for (size_t n = 0; n < outputs; ++n, output += codes->step) {
        ts_careful_code(codes, channel, sums[n], output);
    }
}

#endif
