/* Runs the golden vectors and says pass or fail; the exit code is the number of failures. With TS_WATCH_LAYERS it names the
   layer that differs first, and the cycles of each where the core counts them. */
#include <stdio.h>

#include "golden_outputs.h"
#include "ts_model_check.h"

#ifdef TS_WATCH_LAYERS
#include "ts_layers.h"

static void name_layer(void) {
    const int layer = ts_layers_first_difference();
    printf(", first in %s", layer < 0 ? "none of the layers that are watched" : ts_layer_name((uint32_t)layer));
}

static void print_cycles(void) {
    for (uint32_t layer = 0; layer < ts_layers_count(); ++layer) {
        if (ts_layer_cycles(layer)) {
            printf("%10lu cycles  %s\n", (unsigned long)ts_layer_cycles(layer), ts_layer_name(layer));
        }
    }
}
#else
static void name_layer(void) {
}

static void print_cycles(void) {
}
#endif

static void report(uint32_t vector, int differences) {
    printf("vector %u: %s", (unsigned)vector, differences ? "FAIL" : "pass");
    if (differences) {
        name_layer();
    }
    printf("\n");
}

int main(void) {
    const int failures = ts_model_check(report);
    print_cycles();
    printf("%s: %d of %d golden vectors equal\n", failures ? "FAIL" : "PASS", TS_GOLDEN_VECTORS - failures, TS_GOLDEN_VECTORS);
    return failures;
}
