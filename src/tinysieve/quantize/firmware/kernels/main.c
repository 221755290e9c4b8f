/* Runs the golden vectors and says pass or fail; the exit code is the number of failures. */
#include <stdio.h>

#include "golden_outputs.h"
#include "ts_model_check.h"

static void report(uint32_t vector, int differences) {
    printf("vector %u: %s\n", (unsigned)vector, differences ? "FAIL" : "pass");
}

int main(void) {
    const int failures = ts_model_check(report);
    printf("%s: %d of %d golden vectors equal\n", failures ? "FAIL" : "PASS", TS_GOLDEN_VECTORS - failures, TS_GOLDEN_VECTORS);
    return failures;
}
