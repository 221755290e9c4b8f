/* Pictures of another size. */
#include "ts_kernels.h"

void ts_resize_nearest(const ts_resize_parameters *p, const int8_t *input, int8_t *output) {
    for (size_t y = 0; y < p->height; ++y) {
        for (size_t x = 0; x < p->width; ++x) {
            const int8_t *pixel = input + p->rows[y] + p->columns[x];
            for (size_t c = 0; c < p->channels; ++c) {
                *output++ = pixel[c];
            }
        }
    }
}

void ts_resize_bilinear(const ts_resize_parameters *p, const int8_t *input, int8_t *output) {
    for (size_t y = 0; y < p->height; ++y) {
        const int32_t *row = p->rows + 3 * y;
        for (size_t x = 0; x < p->width; ++x) {
            const int32_t *column = p->columns + 3 * x;
            const int8_t *upper = input + row[0], *lower = input + row[1];
            for (size_t c = 0; c < p->channels; ++c) {
                const int32_t left = upper[column[0] + (int32_t)c] * (1024 - row[2]) + lower[column[0] + (int32_t)c] * row[2];
                const int32_t right = upper[column[1] + (int32_t)c] * (1024 - row[2]) + lower[column[1] + (int32_t)c] * row[2];
                const int32_t sum = left * (1024 - column[2]) + right * column[2];
                *output++ = (int8_t)((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
            }
        }
    }
}
