/* Golden vectors: inputs made from a formula, outputs as TensorFlow Lite for Microcontrollers gave them. */
#include "ts_golden.h"

#include "golden_outputs.h"

#ifndef TS_GOLDEN_TOLERANCE
#define TS_GOLDEN_TOLERANCE 0
#endif

static uint32_t ts_noise(uint32_t n, uint32_t position) {
    uint32_t x = position + n * UINT32_C(0x9E3779B9);
    x = (x ^ (x >> 16)) * UINT32_C(0x7FEB352D);
    x = (x ^ (x >> 15)) * UINT32_C(0x846CA68B);
    return (x ^ (x >> 16)) & 255u;
}

static uint32_t ts_smooth(uint32_t n, uint32_t position) {
    const uint32_t y = position / (TS_GOLDEN_COLUMNS * TS_GOLDEN_CHANNELS);
    const uint32_t x = position / TS_GOLDEN_CHANNELS % TS_GOLDEN_COLUMNS;
    const uint32_t c = position % TS_GOLDEN_CHANNELS;
    const uint32_t wave = y * (n + 2) + x * (2 * n + 8) + c * 37 + n * 31;
    return wave & 256u ? 511u - (wave & 511u) : wave & 511u;
}

static uint32_t ts_golden_code(uint32_t n, uint32_t position) {
    switch (n % 8) {
        case 6: return 0;
        case 7: return 255;
        default: return n % 2 ? ts_smooth(n, position) : ts_noise(n, position);
    }
}

void ts_golden_input(uint32_t n, uint8_t *input) {
    for (uint32_t i = 0; i < TS_GOLDEN_INPUT_BYTES; ++i) {
        input[i] = (uint8_t)(ts_golden_code(n, i) ^ TS_GOLDEN_FLIP);
    }
}

int ts_golden_differences(uint32_t n, uint32_t output, const uint8_t *codes) {
    const uint8_t *const golden = ts_golden_outputs[n] + ts_golden_layout[output].first;
    const int flip = ts_golden_layout[output].flip;
    int differences = 0;
    for (uint32_t i = 0; i < ts_golden_layout[output].bytes; ++i) {
        const int difference = (codes[i] ^ flip) - (golden[i] ^ flip);
        differences += difference > TS_GOLDEN_TOLERANCE || difference < -TS_GOLDEN_TOLERANCE;
    }
    return differences;
}
