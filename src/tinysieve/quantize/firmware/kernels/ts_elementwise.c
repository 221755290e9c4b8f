/* Additions, products, tables and changes of scale, element by element. */
#include "ts_fixed_point.h"
#include "ts_kernels.h"

#define TS_ADD_LEFT_SHIFT 20

void ts_add(const ts_add_parameters *p, const int8_t *a, const int8_t *b, int8_t *output) {
    for (uint32_t i = 0; i < p->count; ++i) {
        const int32_t raised_a = (int32_t)((uint32_t)(a[i] - p->a_zero) << TS_ADD_LEFT_SHIFT);
        const int32_t raised_b = (int32_t)((uint32_t)(b[i] - p->b_zero) << TS_ADD_LEFT_SHIFT);
        const int32_t sum = ts_scaled(raised_a, p->a_multiplier, p->a_shift)
                          + ts_scaled(raised_b, p->b_multiplier, p->b_shift);
        const int32_t code = ts_scaled(sum, p->out_multiplier, p->out_shift) + p->out_zero;
        output[i] = (int8_t)ts_clamped(code, p->low, p->high);
    }
}

void ts_requantize(const ts_requantize_parameters *p, const int8_t *input, int8_t *output) {
    const int32_t low = p->out_unsigned ? 0 : -128;
    for (uint32_t i = 0; i < p->count; ++i) {
        const int32_t code = p->in_unsigned ? (int32_t)(uint8_t)input[i] : (int32_t)input[i];
        const int32_t scaled = ts_scaled(code - p->in_zero, p->multiplier, p->shift) + p->out_zero;
        output[i] = (int8_t)(uint8_t)ts_clamped(scaled, low, low + 255);
    }
}

void ts_multiply(const ts_multiply_parameters *p, const int8_t *a, const int8_t *b, int8_t *output) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < p->count; ++i) {
        const int32_t product = (int32_t)(a[i] - p->a_zero) * (b[at] - p->b_zero);
        output[i] = (int8_t)ts_clamped(ts_scaled(product, p->multiplier, p->shift) + p->out_zero, p->low, p->high);
        at = at + 1 == p->period ? 0 : at + 1;
    }
}

void ts_lookup(const ts_lookup_parameters *p, const int8_t *input, int8_t *output) {
    for (uint32_t i = 0; i < p->count; ++i) {
        output[i] = p->table[(uint8_t)input[i]];
    }
}
