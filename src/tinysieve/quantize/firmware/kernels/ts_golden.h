/* Golden vectors: inputs made from a formula, outputs as TensorFlow Lite for Microcontrollers gave them. */
#ifndef TS_GOLDEN_H
#define TS_GOLDEN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fill the input with golden vector n, 0 <= n < TS_GOLDEN_VECTORS. */
void ts_golden_input(uint32_t n, uint8_t *input);

/* Codes of one output, output < TS_GOLDEN_OUTPUTS, of vector n that differ from the golden ones by more than TS_GOLDEN_TOLERANCE. */
int ts_golden_differences(uint32_t n, uint32_t output, const uint8_t *codes);

#ifdef __cplusplus
}
#endif

#endif
