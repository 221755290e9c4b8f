/* Runs every golden vector through the model. */
#ifndef TS_MODEL_CHECK_H
#define TS_MODEL_CHECK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Number of vectors whose output differs; report, if not NULL, is called after each with its differing codes. */
int ts_model_check(void (*report)(uint32_t vector, int differences));

#ifdef __cplusplus
}
#endif

#endif
