/* Which layer differs first, and how many cycles each takes. Golden outputs of layers are kept as checksums. */
#include "ts_layers.h"

#include "golden_layers.h"
#include "ts_cycles.h"

static struct {
    uint32_t vector, started, cycles[TS_GOLDEN_LAYERS];
    int first_difference;
} run;

/* A polynomial in an odd number modulo 2^32: every code counts, and so does its place. */
static uint32_t ts_checksum(const uint8_t *codes, uint32_t bytes) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < bytes; ++i) {
        sum = sum * UINT32_C(16777619) + codes[i] + 1;
    }
    return sum;
}

void ts_layers_start(uint32_t n) {
    run.vector = n;
    run.first_difference = -1;
    ts_cycles_start();
    run.started = ts_cycles();
}

void ts_layer_done(uint32_t layer, const void *output) {
    const uint32_t ended = ts_cycles();
    if (layer != TS_NO_LAYER) {
        const ts_golden_layer *const golden = &ts_golden_layers[layer];
        run.cycles[layer] = ended - run.started;
        if (run.first_difference < 0 && ts_checksum(output, golden->bytes) != golden->checksums[run.vector]) {
            run.first_difference = (int)layer;
        }
    }
    run.started = ts_cycles();
}

uint32_t ts_layers_count(void) {
    return TS_GOLDEN_LAYERS;
}

const char *ts_layer_name(uint32_t layer) {
    return ts_golden_layers[layer].name;
}

uint32_t ts_layer_operator(uint32_t layer) {
    return ts_golden_layers[layer].operator_number;
}

uint32_t ts_layer_tensor(uint32_t layer) {
    return ts_golden_layers[layer].tensor;
}

int ts_layers_first_difference(void) {
    return run.first_difference;
}

uint32_t ts_layer_cycles(uint32_t layer) {
    return run.cycles[layer];
}
