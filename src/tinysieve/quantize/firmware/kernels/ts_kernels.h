/* Kernels that a generated model calls. Integer only, no heap, no library but <stdint.h> and <stddef.h>. */
#ifndef TS_KERNELS_H
#define TS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* A window that slides over rows and columns; images are [height][width][channels], int8. Codes stand for
   scale * (code - zero). rows: how many output rows one inner call may make before it must have read their input. */
typedef struct {
    uint16_t in_h, in_w, in_c, out_h, out_w, out_c;
    uint16_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    uint16_t groups, rows;
    int16_t in_zero, out_zero, low, high;
} ts_window;

/* Per output channel: bias, and multiplier * 2^(shift - 31), the factor from accumulator to output code. */
typedef struct {
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
} ts_filter;

typedef struct {
    uint32_t count;
    int32_t a_multiplier, b_multiplier, out_multiplier;
    int16_t a_zero, b_zero, out_zero, low, high;
    int8_t a_shift, b_shift, out_shift;
} ts_add_parameters;

typedef struct {
    uint32_t count;
    int32_t multiplier;
    int16_t in_zero, out_zero;
    int8_t shift, in_unsigned, out_unsigned;
} ts_requantize_parameters;

/* b has `period` values, used again for every `period` values of a. */
typedef struct {
    uint32_t count, period;
    int32_t multiplier;
    int16_t a_zero, b_zero, out_zero, low, high;
    int8_t shift;
} ts_multiply_parameters;

/* The output code of every input code, by the input code as an unsigned byte. */
typedef struct {
    uint32_t count;
    const int8_t *table;
} ts_lookup_parameters;

/* Lengths of the output's axes, and how far apart in the input the values of each lie. */
typedef struct {
    uint32_t a, b, c, d, step_a, step_b, step_c, step_d;
} ts_transpose_parameters;

typedef struct {
    uint16_t in_h, in_w, in_c, top, bottom, left, right, before, after;
    int8_t value;
} ts_pad_parameters;

typedef struct {
    uint32_t images, pixels, channels;
    int32_t multiplier;
    int16_t in_zero, out_zero;
    int8_t shift;
} ts_mean_parameters;

typedef struct {
    uint32_t rows, depth;
    int32_t multiplier, lowest_difference;
    int8_t shift;
} ts_softmax_parameters;

/* a: [batches][rows][depth], b: [batches][depth][columns], by how far apart their values lie; a step of 0 uses one for all. */
typedef struct {
    uint32_t batches, rows, columns, depth, a_batch, a_row, a_depth, b_batch, b_column, b_depth;
    int32_t multiplier;
    int16_t a_zero, b_zero, out_zero;
    int8_t shift;
} ts_batch_matmul_parameters;

/* Where each output row and column lies in the input, in bytes. Bilinear: the place before, the one behind, and how many
   1024ths of the way to the latter. */
typedef struct {
    uint16_t height, width, channels;
    const int32_t *rows, *columns;
} ts_resize_parameters;

typedef struct {
    uint32_t blocks, bytes, from_first, from_step, to_first, to_step;
} ts_copy_parameters;

/* scratch: memory of the arena, 4-byte aligned; its size is in the plan. */
void ts_conv2d(const ts_window *window, const ts_filter *filter, const int8_t *input, int8_t *output, void *scratch);
void ts_depthwise(const ts_window *window, const ts_filter *filter, const int8_t *input, int8_t *output, void *scratch);
void ts_transpose_conv(const ts_window *window, const ts_filter *filter, const int8_t *input, int8_t *output, void *scratch);
void ts_average_pool(const ts_window *window, const int8_t *input, int8_t *output);
void ts_max_pool(const ts_window *window, const int8_t *input, int8_t *output);

/* These work element by element: output may be input. */
void ts_add(const ts_add_parameters *p, const int8_t *a, const int8_t *b, int8_t *output);
void ts_requantize(const ts_requantize_parameters *p, const int8_t *input, int8_t *output);
void ts_lookup(const ts_lookup_parameters *p, const int8_t *input, int8_t *output);
/* Output may be a, and b only where it has as many values. */
void ts_multiply(const ts_multiply_parameters *p, const int8_t *a, const int8_t *b, int8_t *output);

/* Input and output must not overlap. */
void ts_pad(const ts_pad_parameters *p, const int8_t *input, int8_t *output);
void ts_transpose(const ts_transpose_parameters *p, const int8_t *input, int8_t *output);
void ts_mean(const ts_mean_parameters *p, const int8_t *input, int8_t *output);
void ts_softmax(const ts_softmax_parameters *p, const int8_t *input, int8_t *output);
void ts_batch_matmul(const ts_batch_matmul_parameters *p, const int8_t *a, const int8_t *b, int8_t *output);
void ts_resize_nearest(const ts_resize_parameters *p, const int8_t *input, int8_t *output);
void ts_resize_bilinear(const ts_resize_parameters *p, const int8_t *input, int8_t *output);
void ts_copy(const ts_copy_parameters *p, const int8_t *input, int8_t *output);

#endif
