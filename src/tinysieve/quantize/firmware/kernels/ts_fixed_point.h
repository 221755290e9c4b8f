/* Fixed-point scaling with TensorFlow Lite's rounding: to nearest after the multiplication, halves up; to nearest again
   after the shift, halves away from zero. */
#ifndef TS_FIXED_POINT_H
#define TS_FIXED_POINT_H

#include <stdint.h>

static inline int32_t ts_high_product(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

static inline int32_t ts_shift_right(int32_t value, int exponent) {
    const int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
    return (value >> exponent) + ((value & mask) > threshold ? 1 : 0);
}

static inline int32_t ts_scaled(int32_t value, int32_t multiplier, int shift) {
    const int32_t raised = shift > 0 ? (int32_t)((uint32_t)value << shift) : value;
    return ts_shift_right(ts_high_product(raised, multiplier), shift < 0 ? -shift : 0);
}

static inline int32_t ts_clamped(int32_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : value;
}

#endif
