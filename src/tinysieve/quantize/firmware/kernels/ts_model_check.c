/* Runs every golden vector through the model. */
#include "ts_model_check.h"

#include "golden_outputs.h"
#include "model.h"
#include "ts_golden.h"
#ifdef TS_WATCH_LAYERS
#include "ts_layers.h"
#endif

int ts_model_check(void (*report)(uint32_t vector, int differences)) {
    int failures = 0;
    for (uint32_t n = 0; n < TS_GOLDEN_VECTORS; ++n) {
        ts_golden_input(n, ts_model_input());
#ifdef TS_WATCH_LAYERS
        ts_layers_start(n);
#endif
        ts_model_run();
        int differences = 0;
        for (uint32_t output = 0; output < TS_GOLDEN_OUTPUTS; ++output) {
            differences += ts_golden_differences(n, output, ts_model_output_at(output));
        }
        if (report) {
            report(n, differences);
        }
        failures += differences != 0;
    }
    return failures;
}
