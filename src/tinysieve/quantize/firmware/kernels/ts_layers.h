/* Which layer differs first, and how many cycles each takes: a run reports every layer as it ends. */
#ifndef TS_LAYERS_H
#define TS_LAYERS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A layer that nobody asked about: it only starts the clock anew. */
#define TS_NO_LAYER UINT32_MAX

/* Before each run: golden vector n is what the model has been given. */
void ts_layers_start(uint32_t n);

/* A layer's output lies complete at `output`; layer < ts_layers_count(), or TS_NO_LAYER. */
void ts_layer_done(uint32_t layer, const void *output);

uint32_t ts_layers_count(void);

/* Operator and its number in the model's file, together and alone, and the tensor that it writes. */
const char *ts_layer_name(uint32_t layer);
uint32_t ts_layer_operator(uint32_t layer);
uint32_t ts_layer_tensor(uint32_t layer);

/* In the last run: the first layer whose output was not the golden one (-1: none), and the cycles of a layer (0 on a core
   without a counter). */
int ts_layers_first_difference(void);
uint32_t ts_layer_cycles(uint32_t layer);

#ifdef __cplusplus
}
#endif

#endif
