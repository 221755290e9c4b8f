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
#define TS_COPY __builtin_memcpy
/* Half of a word that is also read whole. */
typedef int16_t __attribute__((may_alias)) ts_half;
#else
#include <string.h>
#define TS_INLINE static inline
#define TS_COPY memcpy
typedef int16_t ts_half;
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

/* How the sums of one output channel become codes. */
typedef struct {
    int32_t bias, multiplier, half, zero, low, high;
    int shift, quick;
} ts_scaling;

/* Sums below 2^30 and factors below 1/2 need no care: nothing overflows, and half of the last place can be added first.
   A sum has at most 2^14 products of a code and a weight, each below 2^15. */
TS_INLINE ts_scaling ts_scaling_of(const ts_window *w, const ts_filter *filter, size_t channel, size_t products) {
    ts_scaling s = {filter->bias[channel], filter->multiplier[channel], 0, w->out_zero, w->low, w->high,
                    -filter->shift[channel], 0};
    s.quick = s.shift > 0 && s.shift < 31 && products <= 1u << 14 && s.bias < 1 << 29 && s.bias > -(1 << 29);
    s.half = s.quick ? 1 << (s.shift - 1) : 0;
    return s;
}

TS_INLINE int8_t ts_code_of(const ts_scaling *s, int32_t sum) {
    int32_t scaled;
    if (s->quick) {
        /* (2 sum * multiplier + 2^31) >> 32 is the rounded high product; halves then go away from zero. */
        scaled = (int32_t)(((int64_t)(sum * 2) * s->multiplier + (INT64_C(1) << 31)) >> 32);
        scaled = (scaled + (scaled >> 31) + s->half) >> s->shift;
    } else {
        scaled = ts_scaled(sum, s->multiplier, -s->shift);
    }
    return (int8_t)ts_clamped(scaled + s->zero, s->low, s->high);
}

#endif
