/* Bytes that move: borders, and pieces of a tensor that do not lie in one stretch. */
#include "ts_kernels.h"

static int8_t *ts_fill(int8_t *to, size_t bytes, int8_t value) {
    while (bytes-- > 0) {
        *to++ = value;
    }
    return to;
}

void ts_pad(const ts_pad_parameters *p, const int8_t *input, int8_t *output) {
    const size_t pixel = (size_t)p->before + p->in_c + p->after;
    const size_t row = pixel * ((size_t)p->left + p->in_w + p->right);
    output = ts_fill(output, row * p->top, p->value);
    for (size_t y = 0; y < p->in_h; ++y) {
        output = ts_fill(output, pixel * p->left, p->value);
        for (size_t x = 0; x < p->in_w; ++x) {
            output = ts_fill(output, p->before, p->value);
            for (size_t c = 0; c < p->in_c; ++c) {
                *output++ = *input++;
            }
            output = ts_fill(output, p->after, p->value);
        }
        output = ts_fill(output, pixel * p->right, p->value);
    }
    ts_fill(output, row * p->bottom, p->value);
}

void ts_copy(const ts_copy_parameters *p, const int8_t *input, int8_t *output) {
    for (uint32_t block = 0; block < p->blocks; ++block) {
        const int8_t *from = input + p->from_first + (size_t)block * p->from_step;
        int8_t *to = output + p->to_first + (size_t)block * p->to_step;
        for (uint32_t i = 0; i < p->bytes; ++i) {
            to[i] = from[i];
        }
    }
}

void ts_transpose(const ts_transpose_parameters *p, const int8_t *input, int8_t *output) {
    for (uint32_t a = 0; a < p->a; ++a) {
        for (uint32_t b = 0; b < p->b; ++b) {
            for (uint32_t c = 0; c < p->c; ++c) {
                const int8_t *from = input + a * p->step_a + b * p->step_b + c * p->step_c;
                for (uint32_t d = 0; d < p->d; ++d) {
                    *output++ = from[d * p->step_d];
                }
            }
        }
    }
}
