/* Softmax over the last axis in fixed point, as TensorFlow Lite's int8 reference computes it. */
#include "ts_fixed_point.h"
#include "ts_kernels.h"

/* Saturating doubling high product: a * b / 2^31, to nearest, halves away from zero. */
static int32_t ts_product(int32_t a, int32_t b) {
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return ts_high_product(a, b);
}

/* value * 2^exponent for exponent >= 0, saturating. */
static int32_t ts_saturated_left(int32_t value, int exponent) {
    const int64_t wide = (int64_t)value * (INT64_C(1) << exponent);
    return wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

/* exp(x) for x in [-1/4, 0), both with 31 fraction bits: a Taylor polynomial around -1/8. */
static int32_t ts_exp_near_zero(int32_t x) {
    const int32_t constant = 1895147668; /* exp(-1/8) */
    const int32_t third = 715827883;     /* 1/3 */
    const int32_t t = x + (1 << 28);
    const int32_t t2 = ts_product(t, t);
    const int32_t t3 = ts_product(t2, t);
    const int32_t t4 = ts_product(t2, t2);
    const int32_t t4_over_4 = ts_shift_right(t4, 2);
    const int32_t rest = ts_shift_right(ts_product(t4_over_4 + t3, third) + t2, 1);
    return ts_saturated_left(constant, 0) + ts_product(constant, t + rest);
}

/* exp(x) for x <= 0 with 26 fraction bits; the result has 31. */
static int32_t ts_exp(int32_t x) {
    static const int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    const int32_t quarter = 1 << 24;
    const int32_t remainder = (x & (quarter - 1)) - quarter;
    int32_t result = ts_exp_near_zero(ts_saturated_left(remainder, 5));
    for (int i = 0; i < 7; ++i) {
        if ((remainder - x) & (1 << (24 + i))) {
            result = ts_product(result, factors[i]);
        }
    }
    return x == 0 ? INT32_MAX : result;
}

/* 1 / (1 + x) for x in [0, 1), both with 31 fraction bits, by three Newton steps. */
static int32_t ts_one_over_one_plus(int32_t x) {
    const int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t r = 1515870810 + ts_product(half, -1010580540); /* 48/17 - 32/17 * half, 29 fraction bits */
    for (int i = 0; i < 3; ++i) {
        const int32_t correction = (1 << 29) - ts_product(half, r);
        r += ts_saturated_left(ts_product(r, correction), 2);
    }
    return ts_saturated_left(r, 1);
}

static int ts_leading_zeros(uint32_t value) {
    int zeros = 0;
    while (zeros < 32 && !(value & UINT32_C(0x80000000))) {
        value <<= 1;
        ++zeros;
    }
    return zeros;
}

static int32_t ts_exp_of_difference(const ts_softmax_parameters *p, int32_t difference) {
    /* TensorFlow Lite multiplies by a factor above 1 here: the shift comes before the product. */
    return ts_exp(ts_product((int32_t)((uint32_t)difference << p->shift), p->multiplier));
}

void ts_softmax(const ts_softmax_parameters *p, const int8_t *input, int8_t *output) {
    for (uint32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->depth) {
        int32_t highest = -128, sum = 0;
        for (uint32_t i = 0; i < p->depth; ++i) {
            highest = input[i] > highest ? input[i] : highest;
        }
        for (uint32_t i = 0; i < p->depth; ++i) {
            if (input[i] - highest >= p->lowest_difference) {
                sum += ts_shift_right(ts_exp_of_difference(p, input[i] - highest), 12);
            }
        }
        const int headroom = ts_leading_zeros((uint32_t)sum);
        const int32_t fraction = (int32_t)(((uint32_t)sum << headroom) - UINT32_C(0x80000000));
        const int32_t scale = ts_one_over_one_plus(fraction);
        for (uint32_t i = 0; i < p->depth; ++i) {
            int32_t code = -128;
            if (input[i] - highest >= p->lowest_difference) {
                const int32_t part = ts_product(scale, ts_exp_of_difference(p, input[i] - highest));
                code = ts_clamped(ts_shift_right(part, 12 - headroom + 31 - 8) - 128, -128, 127);
            }
            output[i] = (int8_t)code;
        }
    }
}
